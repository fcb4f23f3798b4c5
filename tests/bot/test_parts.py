import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.parts import Parts, split, wants_more
from bot.wording import say


@pytest.mark.parametrize(
    "text", ["更多", " 更多 ", "更多。", "继续", "繼續！", "下文", "还有吗？", "MORE", "next", "后面呢"]
)
def test_asking_for_more(text: str) -> None:
    assert wants_more(text)


@pytest.mark.parametrize("text", ["", "更多人投诉", "继续投诉", "我要更多", "more water", "还有吗？没水"])
def test_other_words_do_not_ask_for_more(text: str) -> None:
    assert not wants_more(text)


@given(st.text(alphabet="一二三。！？；\n ab😀", max_size=400), st.integers(5, 80))
def test_pieces_are_short_enough_and_lose_nothing_but_blanks(text: str, most: int) -> None:
    pieces = split(text, most)
    assert all(0 < len(piece) <= most for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("  \n ", []),
        ("短", ["短"]),
        ("第一行很长\n第二行", ["第一行很长", "第二行"]),
        ("头一句话！后一句话", ["头一句话！", "后一句话"]),
        ("头一句话？后一句话", ["头一句话？", "后一句话"]),
        ("头一句话；后一句话", ["头一句话；", "后一句话"]),
        ("头一句话。后一句话", ["头一句话。", "后一句话"]),
        ("一二三四五六七八九", ["一二三四五六七八", "九"]),
    ],
)
def test_where_a_text_is_cut(text: str, pieces: list[str]) -> None:
    assert split(text, 8) == pieces


LONG = "\n".join(f"第{n}条：" + "请带身份证和户口本到窗口办理。" * 3 for n in range(20))


def test_a_short_reply_is_whole() -> None:
    parts = Parts(600)
    assert parts.first("a", "1", "好的") == "好的"
    assert parts.next("a", "2") is None


def test_a_long_reply_comes_piece_by_piece() -> None:
    parts, shown = Parts(100), []
    shown.append(parts.first("a", "m0", LONG))
    while (piece := parts.next("a", f"m{len(shown)}")) != say("no_more"):
        assert piece is not None
        shown.append(piece)
    assert len(shown) > 5
    assert all(len(piece) <= 100 for piece in shown)
    assert all("更多" in piece for piece in shown[:-1]) and "更多" not in shown[-1]
    assert f"1/{len(shown)}" in shown[0]
    for number in range(20):
        assert sum(f"第{number}条" in piece for piece in shown) == 1


def test_a_retry_sees_the_same_piece() -> None:
    parts = Parts(100)
    first = parts.first("a", "m1", LONG)
    assert parts.first("a", "m1", LONG) == first
    second = parts.next("a", "m2")
    assert parts.next("a", "m2") == second != first
    assert parts.next("a", "m3") not in (first, second)


def test_what_was_asked_for_before_is_forgotten_with_the_next_reply() -> None:
    parts = Parts(100)
    parts.first("a", "m1", LONG)
    parts.first("a", "m2", "好的")
    assert parts.next("a", "m3") is None


def test_residents_do_not_see_each_others_replies() -> None:
    parts = Parts(100)
    parts.first("a", "m1", LONG)
    assert parts.next("b", "m2") is None


def test_only_so_many_are_remembered() -> None:
    parts = Parts(100)
    for number in range(5200):
        parts.first(f"r{number}", "m", LONG[:150])
    assert parts.next("r0", "n") is None
    assert parts.next("r5199", "n") is not None

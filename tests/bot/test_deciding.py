"""The weighing of classifier, reading and open question, without Rasa."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.deciding import TALK, Thresholds, decide, looks_like_a_question

T = Thresholds()
INTENTS = sorted(TALK | {"complain", "faq", "inform_place", "inform_time", "inform_phone", "inform_detail"})


def told(text: str, best: str, sure: float, second: str = "complain", **meta: Any) -> str:
    ranking = [{"name": best, "confidence": sure}, {"name": second, "confidence": min(sure, (1 - sure) * 0.9)}]
    intent, confidence, reason = decide(text, ranking, meta, T)
    assert reason and math.isfinite(confidence)
    return intent


FORM = ("place", "time", "phone", "merchant", "text", "confirmed")


@pytest.mark.parametrize("asked", [None, *FORM])
@pytest.mark.parametrize("best", ["affirm", "cancel", "faq", "complain", "inform_place"])
def test_a_danger_comes_before_everything(asked: str | None, best: str) -> None:
    assert (
        told("着火了MY261124-000001", best, 0.99, reading={"hazard": "fire"}, asked=asked, choices=2, offered=True)
        == "hazard"
    )


@pytest.mark.parametrize(
    ("text", "best", "intent"),
    [
        ("MY261124-000123", "inform_phone", "query_status"),
        ("my261124 000123到哪了", "query_status", "query_status"),
        ("催一下MY261124-000123", "query_status", "urge"),
        ("撤销 MY261124-000123", "query_status", "withdraw"),
        ("MY261124-000123不用办了", "cancel", "withdraw"),
        ("MY261124-000123补充一点，是三楼", "query_status", "correct"),
    ],
)
@pytest.mark.parametrize("asked", [None, "place", "confirmed"])
def test_a_ticket_number_says_what_it_is_about(text: str, best: str, intent: str, asked: str | None) -> None:
    assert told(text, best, 0.8, asked=asked) == intent


@pytest.mark.parametrize("text", ["1", "第二个", "③", "选3", "我问的是2", "二。"])
def test_a_number_chooses_only_where_something_is_offered(text: str) -> None:
    assert told(text, "inform_detail", 0.5, choices=3) == "choose"
    assert told(text, "inform_detail", 0.5) != "choose"
    assert told(text, "inform_detail", 0.5, asked="amount") == "answer"


@pytest.mark.parametrize("text", ["都不是", "不是", "都没有", "这几个都不对"])
def test_none_of_the_entries(text: str) -> None:
    assert told(text, "deny", 0.9, choices=3) == "choose"
    assert told(text, "deny", 0.9) == "deny"


@pytest.mark.parametrize(
    ("text", "best", "intent"),
    [
        ("登记", "complain_intro", "affirm"),
        ("好", "chitchat", "affirm"),
        ("那就登记吧", "skip", "affirm"),
        ("要", "affirm", "affirm"),
        ("不用", "deny", "deny"),
        ("算了", "cancel", "deny"),
        ("不是", "repeat", "deny"),
    ],
)
def test_an_offer_is_taken_or_declined(text: str, best: str, intent: str) -> None:
    assert told(text, best, 0.6, offered=True) == intent


def test_after_a_danger_a_place_goes_on_with_it() -> None:
    assert told("布吉大芬村", "inform_place", 0.7, offered=True, offered_hazard=True) == "affirm"
    assert told("布吉大芬村", "inform_place", 0.7, offered=True) == "inform_place"


@pytest.mark.parametrize(
    "text",
    ["👌", "👍", "OK", "ok的", "嗯嗯", "好的", "确认", "確認", "对对对", "没问题", "可以，提交吧", "就这样吧", "係"],
)
def test_yes_to_the_read_back(text: str) -> None:
    assert told(text, "chitchat", 0.9, asked="confirmed") == "affirm"


@pytest.mark.parametrize("text", ["不对", "不是", "错了", "no", "有误。", "唔啱"])
def test_no_to_the_read_back(text: str) -> None:
    assert told(text, "chitchat", 0.9, asked="confirmed") == "deny"


@pytest.mark.parametrize("text", ["好像地点不对", "对面那家店", "是昨天晚上", "好多人受影响", "okra", "，，", "。"])
def test_words_that_only_begin_like_a_yes(text: str) -> None:
    assert told(text, "inform_detail", 0.5, asked="confirmed") == "answer"


@pytest.mark.parametrize("asked", FORM)
@pytest.mark.parametrize("command", ["cancel", "human", "repeat", "wait", "query_status"])
def test_commands_interrupt_every_question(asked: str, command: str) -> None:
    assert told("这是一句命令", command, 0.8, asked=asked) == command


@pytest.mark.parametrize("asked", FORM)
def test_a_story_does_not_interrupt(asked: str) -> None:
    story = "他们半夜两点还在装货卸货，叉车倒车的滴滴声响个不停，我们整栋楼都睡不好觉"
    assert told(story, "urge", 0.9, asked=asked, reading={"kind": "complaint"}, faq=0.35) == "answer"


@pytest.mark.parametrize("asked", FORM)
def test_a_question_interrupts_every_question(asked: str) -> None:
    assert told("身份证丢了怎么办", "faq", 0.7, asked=asked, reading={"kind": "consult"}, faq=0.84) == "faq"


@pytest.mark.parametrize(
    ("asked", "reading"), [("place", {"place": True}), ("time", {"time": True}), ("phone", {"phone": True})]
)
def test_what_fits_the_question_is_its_answer(asked: str, reading: dict[str, Any]) -> None:
    assert told("你好花园三栋", "greet", 0.9, asked=asked, reading=reading) == "answer"
    assert told("民治街道办", "faq", 0.8, asked=asked, reading=reading, faq=0.9) == "answer"


def test_a_shop_called_hello_is_the_shop() -> None:
    assert told("你好数码", "greet", 0.8, asked="merchant") == "answer"
    assert told("你好数码", "greet", 0.8, asked="place") == "greet"


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("居住证怎么办", True),
        ("办护照要什么材料", True),
        ("公积金能提取吗", True),
        ("几点上班", True),
        ("去哪领失业金？", True),
        ("怎么没人管", False),
        ("怎么天天这么吵", False),
        ("怎么还不来修", False),
        ("路灯坏了", False),
        ("老王烧烤", False),
    ],
)
def test_questions_and_reproaches(text: str, asks: bool) -> None:
    assert looks_like_a_question(text) is asks


def test_a_long_reproach_tells_of_a_matter() -> None:
    text = "福永那边的公交站怎么天天都有人乱停电动车，你们怎么没人管啊"
    assert told(text, "urge", 0.8, second="chitchat", reading={"kind": "complaint"}) == "complain"
    assert told("垃圾堆了一周没人管", "urge", 0.8, reading={"kind": "complaint", "decision": "auto"}) == "complain"
    assert told("怎么没人管啊", "urge", 0.8, reading={"kind": "complaint", "decision": "review"}) == "urge"
    assert (
        told("我上次反映的那个工单都过去半个月了怎么还没有人来处理啊", "urge", 0.9, reading={"kind": "complaint"})
        == "urge"
    )


def test_a_matter_in_four_words_is_no_question() -> None:
    assert told("楼上漏水", "inform_place", 0.6, reading={"kind": "complaint"}, faq=0.89) == "complain"


def test_what_is_understood_by_nobody_is_admitted() -> None:
    assert told("qwxz", "greet", 0.2, second="thank", reading={"kind": "other"}) == "nlu_fallback"
    assert decide("", [], {}, T)[0] == "nlu_fallback"


@given(
    st.text(max_size=60),
    st.sampled_from(INTENTS),
    st.floats(0, 1),
    st.sampled_from([None, *FORM]),
    st.floats(0, 1),
    st.sampled_from(["consult", "complaint", "other", None]),
    st.booleans(),
    st.integers(0, 3),
)
def test_every_message_is_something(
    text: str, best: str, sure: float, asked: str | None, faq: float, kind: str | None, offered: bool, choices: int
) -> None:
    intent = told(text, best, sure, asked=asked, faq=faq, reading={"kind": kind}, offered=offered, choices=choices)
    if asked:
        assert intent not in ("nlu_fallback", "complain")


def test_a_bare_word_near_an_entry_is_a_question() -> None:
    assert told("停水", "cancel", 0.6, reading={"kind": "help"}, faq=0.72) == "faq"
    assert told("租房", "greet", 0.21, reading={"kind": "other"}, faq=0.65) == "faq"
    assert told("取消", "cancel", 0.95, reading={"kind": "other"}, faq=0.6) == "cancel"


def test_a_report_is_a_matter_though_an_entry_has_its_words() -> None:
    text = "我要举报某局一个科长收红包贪污受贿"
    assert told(text, "faq", 0.5, second="complain", reading={"kind": "report"}, faq=0.6) == "complain"

import json
from pathlib import Path

import pytest

from nlu.errors import DataMalformed
from nlu.reader import City
from nlu.training.dataset import Example, contradictions, counts, fingerprint, load_examples, read_rows


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_csv_rows_come_with_their_line(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", 'text,department\n路灯坏了,lamps\n"两行\n的话",lamps\n\n秤不准,markets\n')
    assert list(read_rows(path)) == [
        (2, {"text": "路灯坏了", "department": "lamps"}),
        (3, {"text": "两行\n的话", "department": "lamps"}),
        (6, {"text": "秤不准", "department": "markets"}),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "text,department\n路灯坏了,lamps\n".encode(),
        "text,department\n路灯坏了,lamps\n".encode("utf-8-sig"),
        "text,department\n路灯坏了,lamps\n".encode("gb18030"),
        "text,department\r\n路灯坏了,lamps\r\n".encode(),
        "text,department\r路灯坏了,lamps\r".encode(),
        " text , department \n路灯坏了,lamps".encode(),
        '"text","department"\n"路灯坏了","lamps"\n'.encode(),
    ],
)
def test_csv_as_people_save_it(tmp_path: Path, content: bytes) -> None:
    assert [row for _, row in read_rows(written(tmp_path, "a.csv", content))] == [
        {"text": "路灯坏了", "department": "lamps"}
    ]


def test_ragged_rows_are_told_and_the_others_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text,department\n坏了,又坏了,lamps\n路灯坏了,lamps\n只有一格\n")
    rows = list(read_rows(path))
    assert [(line, isinstance(row, dict)) for line, row in rows] == [(2, False), (3, True), (4, False)]
    assert "3 columns where the header has 2" in str(rows[0][1])


@pytest.mark.parametrize(
    "content",
    ['text\n路灯坏了\n"秤不准\n渡轮晚点\n', 'text,department\n路灯坏了,lamps\n"秤不准,markets\n渡轮晚点,harbour\n'],
)
def test_a_quote_never_closed_does_not_swallow_rows_in_silence(tmp_path: Path, content: str) -> None:
    rows = list(read_rows(written(tmp_path, "a.csv", content)))
    assert isinstance(rows[0][1], dict)
    assert rows[1:] == [(3, "a quote is opened here and never closed; everything below it was taken for one text")]


def test_quotes_inside_a_text_are_kept_apart_from_open_ones(tmp_path: Path) -> None:
    rows = list(read_rows(written(tmp_path, "a.csv", 'text\n"他说""不行"""\n"最后一行\n两行"\n')))
    assert [row["text"] for _, row in rows if isinstance(row, dict)] == ['他说"不行"', "最后一行\n两行"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"", "a.csv:1: no column 'text'; found an empty file"),
        ("a.csv", "内容,部门\n路灯坏了,lamps\n".encode(), "a.csv:1: no column 'text'; found 内容, 部门"),
        ("a.csv", b"text\n\0\0\0\n", "a.csv: not a text file"),
        ("a.csv", b"PK\x03\x04\0\0\0\xff\xff", "a.csv: neither UTF-8 nor GB18030"),
        ("a.csv", "text\n路灯\n".encode("utf-16"), "a.csv: n"),
        ("a.csv", b"text\n\xff\xfe\xfd\n", "a.csv: neither UTF-8 nor GB18030"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    with pytest.raises(DataMalformed) as fault:
        list(read_rows(written(tmp_path, name, content)))
    assert told in str(fault.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataMalformed, match="no such file"):
        list(read_rows(tmp_path / "gone.csv"))


def test_json_lines_with_faults(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a.jsonl",
        "\ufeff"
        + "\n".join(
            [
                json.dumps({"text": "路灯坏了", "department": "lamps", "weight": 2, "place": None}, ensure_ascii=False),
                "",
                "not json",
                '["text"]',
                '{"text": 5}',
                '{"other": "x"}',
                '{"text": "\\ud800坏了"}',
                "[" * 100_000,
                '{"text": "好\\u0000的"}',
            ]
        ),
    )
    rows = dict(read_rows(path))
    assert rows[1] == {"text": "路灯坏了", "department": "lamps", "weight": "2", "place": ""}
    assert [line for line, row in rows.items() if isinstance(row, str)] == [3, 4, 5, 6, 8]
    assert rows[7] == {"text": "?坏了"}  # a lone surrogate cannot be written anywhere
    assert rows[9] == {"text": "好\0的"}


def test_an_empty_json_lines_file_has_no_rows(tmp_path: Path) -> None:
    assert list(read_rows(written(tmp_path, "a.jsonl", ""))) == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (",lamps,lamp_out,,,,", "empty text"),
        ("路灯坏了,nobody,,,,,", "unknown department 'nobody'"),
        ("路灯坏了,lamps,nothing,,,,", "unknown item 'nothing'"),
        ("路灯坏了,lamps,,soon,,,", "unknown urgency 'soon'"),
        ("路灯坏了,lamps,,,shout,,", "unknown kind 'shout'"),
        ("路灯坏了,lamps,,critical,,meteor,", "unknown hazard 'meteor'"),
        ("路灯坏了,lamps,,normal,,fire,", "hazard 'fire' on a text that is not critical"),
        ("路灯坏了,lamps,,,,,柳荫", "place '柳荫' does not stand in the text"),
    ],
)
def test_a_label_unknown_to_the_catalogue_is_told_with_its_line(
    tmp_path: Path, city: City, row: str, told: str
) -> None:
    path = written(tmp_path, "a.csv", f"text,department,item,urgency,kind,hazard,place\n秤不准,markets,,,,,\n{row}\n")
    with pytest.raises(DataMalformed) as fault:
        load_examples([path], city.catalogue)
    assert str(fault.value) == f"{path}:3: {told}" or told in str(fault.value)
    assert f"{path}:3" in str(fault.value)


def test_without_a_catalogue_labels_are_what_the_file_says(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text,department,kind\n路灯坏了,甲处,吐槽\n")
    assert load_examples([path], None) == [Example("路灯坏了", department="甲处", kind="吐槽", source=f"{path}:2")]


def test_the_department_follows_from_the_item(tmp_path: Path, city: City) -> None:
    path = written(tmp_path, "a.csv", "text,item\n路灯坏了,lamp_out\n")
    assert load_examples([path], city.catalogue)[0].department == "lamps"


def test_a_file_with_a_header_alone_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataMalformed, match="no rows below the header"):
        load_examples([written(tmp_path, "a.csv", "text,department\n")], None)


def test_the_same_text_twice_is_told() -> None:
    found = contradictions(
        [
            Example("路灯坏了", "lamps", source="a:2"),
            Example("路灯壞了", "markets", source="a:3"),
            Example("秤不准", "markets"),
        ]
    )
    assert found == ["a:3: the text already stands at a:2 as lamps/, here markets/"]


def test_the_fingerprint_is_that_of_the_content() -> None:
    a, b = Example("甲", "lamps", source="a:1"), Example("乙", "markets", source="a:2")
    assert fingerprint([a, b]) == fingerprint([Example("乙", "markets", source="z:9"), a])
    assert fingerprint([a, b]) != fingerprint([a, Example("乙", "lamps")])
    assert counts([a, b, a], "department") == {"lamps": 2, "markets": 1}

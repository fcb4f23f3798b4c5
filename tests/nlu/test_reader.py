import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nlu
from nlu.e5 import E5Small
from nlu.errors import DataMalformed, ModelMissing
from nlu.reader import City, Reader
from nlu.reading import KINDS, Reading
from nlu.training.dataset import Example
from nlu.training.pipeline import train

KEYS = {
    "text",
    "kind",
    "departments",
    "items",
    "decision",
    "candidates",
    "urgency",
    "place",
    "time",
    "phone",
    "evidence",
    "model",
}


def test_the_front_door_is_small() -> None:
    assert set(nlu.__all__) == {"MinyiError", "Reading"}


def well_formed(reading: Reading, reader: Reader, text: str) -> None:
    """The contract of a reading, whatever the text."""
    whole = json.loads(json.dumps(reading.to_dict(), ensure_ascii=False))
    assert set(whole) == KEYS
    assert len(whole["text"]) == len(text)
    assert set(whole["kind"]) == {"label", "confidence"} and whole["kind"]["label"] in KINDS
    assert whole["decision"] in ("auto", "review")
    assert set(whole["urgency"]) >= {"level", "hazard", "advice", "reasons"} and whole["urgency"]["level"] in (
        "critical",
        "urgent",
        "normal",
    )
    for choices, known in (("departments", reader.city.catalogue.departments), ("items", reader.city.catalogue.items)):
        assert len(whole[choices]) <= 3
        confidences = [c["confidence"] for c in whole[choices]]
        rest = confidences[1:] if choices == "items" else confidences  # an item of the first department leads
        assert rest == sorted(rest, reverse=True) and all(0 <= c <= 1 for c in confidences)
        assert all(set(c) == {"code", "name", "confidence"} and c["code"] in known for c in whole[choices])
    assert set(whole["candidates"]) <= set(reader.city.catalogue.departments)
    for area_start, area_end in reader.city.places.areas(text):  # where it is says nothing about who owns it
        assert all(e["end"] <= area_start or area_end <= e["start"] for e in whole["evidence"])
    for span in [*whole["evidence"], *whole["urgency"]["reasons"], *filter(None, [whole["place"], whole["time"]])]:
        assert 0 <= span["start"] < span["end"] <= len(text)
        assert span.get("text") in (None, whole["text"][span["start"] : span["end"]])
    assert all(set(e) == {"start", "end", "weight"} for e in whole["evidence"])
    if whole["place"]:
        assert set(whole["place"]) == {
            "text",
            "start",
            "end",
            "district",
            "district_name",
            "subdistrict",
            "subdistrict_name",
        }
    assert whole["model"] == reader.model.version


def test_a_plain_complaint(reader: Reader) -> None:
    text = "昨晚柳荫街道的路灯又不亮了，电话13812345678"
    reading = reader.read(text)
    well_formed(reading, reader, text)
    assert (reading.department, reading.item, reading.phone) == ("lamps", "lamp_out", "13812345678")
    assert reading.place is not None and (reading.place.district, reading.place.subdistrict) == (
        "north",
        "north_willow",
    )
    assert reading.time is not None and reading.time.text == "昨晚"
    assert reading.kind.label == "complaint"
    assert reading.urgency.level != "critical"
    assert reading.candidates and reading.candidates[0] == "lamps"


def test_a_danger_says_whom_to_call(reader: Reader) -> None:
    reading = reader.read("市场后面着火了，浓烟滚滚")
    assert (reading.urgency.level, reading.urgency.hazard) == ("critical", "fire")
    assert reading.urgency.advice is not None and "119" in reading.urgency.advice
    assert [span.text for span in reading.urgency.reasons] == ["着火"]


def test_few_labels_promise_nothing_automatic(reader: Reader) -> None:
    assert reader.model.card["promises"]["auto_threshold"] > 1
    assert reader.read("路灯不亮").decision == "review"


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t　", "。。。", "？", "😀😀", "\u200b\u200d\ufeff", "\0", "\ud800", "—…—"]
)
def test_what_says_nothing_is_other_for_review(reader: Reader, text: str) -> None:
    reading = reader.read(text)
    well_formed(reading, reader, text)
    assert (reading.kind.label, reading.decision, reading.departments, reading.items, reading.urgency.level) == (
        "other",
        "review",
        (),
        (),
        "normal",
    )


ODD = [
    "路灯不亮" * 5000,
    "路\0灯\0不亮",
    "路灯\ud800不亮\udfff",
    "مصباح الشارع لا يعمل",
    "רחוב חשוך \u202e路灯",
    "12345678901234567890",
    "13812345678",
    "a",
    "１２３",
    "路灯👨‍👩‍👧不亮🔥",
    "e\u0301" * 50,
    "<script>alert(1)</script>",
    "'; DROP TABLE tickets; --",
    "路灯\r\n\r\n不亮",
    "\x01\x02路灯\x7f",
    "𠮷野家门口",
    "NaN",
    "null",
    "{}",
    "İstanbul 路灯",
]


def test_odd_texts_are_read_in_order(reader: Reader) -> None:
    readings = list(reader.read_many(ODD))
    for text, reading in zip(ODD, readings, strict=True):
        well_formed(reading, reader, text)
        if all(not 0xD800 <= ord(c) <= 0xDFFF for c in text):
            assert reading.text == text


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(alphabet=st.characters(), max_size=15), max_size=3))
def test_any_text_is_read(reader: Reader, texts: list[str]) -> None:
    for text, reading in zip(texts, reader.read_many(texts), strict=True):
        well_formed(reading, reader, text)


def test_more_than_a_batch_keeps_its_order(reader: Reader) -> None:
    texts = [f"{number}号灯杆" for number in range(70)]
    assert [r.text for r in reader.read_many(texts)] == texts


def test_the_same_data_and_seed_give_the_same_scores(
    examples: list[Example], encoder: E5Small, city: City, reader: Reader
) -> None:
    again = train(examples, encoder, city.catalogue, cues=city.cues)
    assert again.card["scores"] == reader.model.card["scores"]
    assert again.card["promises"] == reader.model.card["promises"]
    first, second = reader.read("渡轮晚点"), Reader(again, encoder, city).read("渡轮晚点")
    assert [(c.code, c.confidence) for c in first.departments] == [(c.code, c.confidence) for c in second.departments]


def test_the_card_tells_what_the_model_is(reader: Reader) -> None:
    card = reader.model.card
    assert card["data"]["texts"] == 24
    assert card["data"]["department"] == {"harbour": 8, "markets": 7, "lamps": 7}
    assert set(card["scores"]) == {"department", "item", "urgency", "hazard", "kind"}
    assert {"precision", "auto_threshold", "coverage", "conformal_threshold", "alarm"} <= set(card["promises"])


@pytest.mark.parametrize(
    "labels",
    [
        ["lamps", "markets"],
        ["lamps"] * 9 + ["markets"],
        ["lamps", "markets", "harbour"],
        ["lamps"] * 4 + ["markets"] * 2,
    ],
)
def test_very_few_examples_still_make_a_model(labels: list[str], encoder: E5Small, city: City) -> None:
    examples = [
        Example(f"路灯{number}不亮" if label == "lamps" else f"秤{number}不准", label)
        for number, label in enumerate(labels)
    ]
    model = train(examples, encoder, None)
    reading = Reader(model, encoder, city).read("路灯不亮")
    assert sum(c.confidence for c in reading.departments) == pytest.approx(1, abs=1e-3)


def test_one_department_is_too_few(encoder: E5Small) -> None:
    with pytest.raises(DataMalformed, match="fewer than two departments"):
        train([Example("路灯不亮", "lamps"), Example("秤不准")], encoder, None)


def test_without_a_model_the_remedy_is_told(tmp_path: Path, city_folder: Path, encoder: E5Small) -> None:
    with pytest.raises(ModelMissing, match="minyi train"):
        Reader.open(tmp_path, city_folder, encoder=encoder)

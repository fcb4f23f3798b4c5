"""When an alarm over a few words is taken back, and when never."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.conversation import sober
from nlu.reader import City
from nlu.reading import Kind, Reading, UrgencyReading

CUES = City.load(Path(__file__).resolve().parents[2] / "training_data").cues


def alarmed(text: str, hazard: str, confidence: float) -> bool:
    urgency = UrgencyReading("critical", hazard, "请立即拨打", (), confidence)
    reading = Reading(text, Kind("help", 0.9), (), (), "review", (), urgency, None, None, None, (), "paper")
    calm = sober(reading, CUES).urgency
    assert (calm.hazard is None) == (calm.advice is None) == (calm.level == "normal")
    return calm.hazard is not None


@pytest.mark.parametrize("hazard", ["self_harm", "medical", "food_poisoning"])
@pytest.mark.parametrize("confidence", [0.1, 0.3, 0.6, 0.9])
def test_life_is_never_calmed(hazard: str, confidence: float) -> None:
    assert alarmed("撑不下去了", hazard, confidence)
    assert alarmed("我妈喘得厉害", hazard, confidence)


def test_calm_words_the_model_is_unsure_of_raise_no_alarm() -> None:
    assert not alarmed("就在我们厂宿舍后门", "fire", 0.41)
    assert not alarmed("等等，我让我爸看看", "missing", 0.31)


def test_a_cue_a_sure_model_or_a_longer_text_keeps_the_alarm() -> None:
    assert alarmed("着火了", "fire", 0.1)
    assert alarmed("有人翻进来了", "crime", 0.91)
    assert alarmed("我们这边有一个人一直站在那个地方不肯下来", "fire", 0.3)

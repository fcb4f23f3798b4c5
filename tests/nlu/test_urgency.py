import pytest

from nlu.reader import City
from nlu.reading import Span
from nlu.urgency import UrgencyThresholds, judge

BAR = UrgencyThresholds(alone=0.5, with_cue=0.1, with_doubtful_cue=0.6)
HAZARDS = {"fire": 0.3, "drowning": 0.7}
REASON = Span(0, 2, "路灯")


@pytest.mark.parametrize(
    ("text", "critical", "level", "hazard", "reason"),
    [
        ("仓库着火了", 0.2, "critical", "fire", "着火"),
        ("倉庫著火了，濃煙", 0.2, "critical", "fire", "濃煙"),
        ("仓库着火了", 0.05, "normal", None, None),
        ("火烧眉毛了，着火一样急", 0.5, "normal", None, None),
        ("演习的时候真的着火了", 0.7, "critical", "fire", "着火"),
        ("有人在水里喊", 0.6, "critical", "drowning", "路灯"),
        ("有人在水里喊", 0.4, "normal", None, None),
        ("有人落水，船上又着火", 0.9, "critical", "drowning", "落水"),
    ],
)
def test_cues_and_model_together(
    city: City, text: str, critical: float, level: str, hazard: str | None, reason: str | None
) -> None:
    chances = {"critical": critical, "urgent": 0.0, "normal": 1 - critical}
    found = judge(text, chances, HAZARDS, city.cues, city.catalogue, BAR, REASON)
    assert (found.level, found.hazard) == (level, hazard)
    assert [span.text for span in found.reasons] == ([reason] if reason else [])
    assert (found.advice is None) == (hazard is None)
    assert all(text[s.start : s.end] == s.text for s in found.reasons if s is not REASON)


def test_a_model_without_urgency_still_heeds_the_cues(city: City) -> None:
    assert judge("着火了", {}, {}, city.cues, city.catalogue, BAR, None).hazard == "fire"
    assert judge("演习着火", {}, {}, city.cues, city.catalogue, BAR, None).level == "normal"
    assert judge("路灯不亮", {}, {}, city.cues, city.catalogue, BAR, None).level == "normal"


def test_the_urgent_level_is_the_models(city: City) -> None:
    found = judge(
        "整条街没水", {"critical": 0.1, "urgent": 0.6, "normal": 0.3}, {}, city.cues, city.catalogue, BAR, REASON
    )
    assert (found.level, found.confidence, found.reasons) == ("urgent", 0.6, (REASON,))

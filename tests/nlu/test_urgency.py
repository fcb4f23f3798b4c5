import pytest

from nlu.reader import City
from nlu.reading import Span
from nlu.urgency import Alarm, judge, signs

# odds as the model has them; a cue triples them, doubt halves them, both together leave little
BAR = Alarm(weights=(1.0, 2.2, -0.4, -2.2, 0.0, 0.0), bias=0.0, threshold=0.5)
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
    found = judge(text, chances, HAZARDS, 0.5, city.cues, city.catalogue, BAR, REASON)
    assert (found.level, found.hazard) == (level, hazard)
    assert [span.text for span in found.reasons] == ([reason] if reason else [])
    assert (found.advice is None) == (hazard is None)
    assert all(text[s.start : s.end] == s.text for s in found.reasons if s is not REASON)


def test_a_model_without_urgency_still_heeds_the_cues(city: City) -> None:
    assert judge("着火了", {}, {}, 0.5, city.cues, city.catalogue, BAR, None).hazard == "fire"
    assert judge("演习着火", {}, {}, 0.5, city.cues, city.catalogue, BAR, None).level == "normal"
    assert judge("路灯不亮", {}, {}, 0.5, city.cues, city.catalogue, BAR, None).level == "normal"


def test_the_urgent_level_is_the_models(city: City) -> None:
    found = judge(
        "整条街没水", {"critical": 0.1, "urgent": 0.6, "normal": 0.3}, {}, 0.5, city.cues, city.catalogue, BAR, REASON
    )
    assert (found.level, found.confidence, found.reasons) == ("urgent", 0.6, (REASON,))


def test_what_speaks_for_danger_is_weighed(city: City) -> None:
    calm = signs("路灯不亮", 0.2, 0.5, city.cues)
    cued = signs("仓库着火", 0.2, 0.5, city.cues)
    assert calm[1:4] == (0.0, 0.0, 0.0) and cued[1:4] == (1.0, 0.0, 0.0)
    assert signs("演习着火", 0.2, 0.5, city.cues)[1:4] == (1.0, 1.0, 1.0)
    assert BAR.chance(cued) > BAR.chance(calm)
    assert 0.0 <= BAR.chance((-1e9, 0, 0, 0, 0, 0)) <= BAR.chance((1e9, 0, 0, 0, 0, 0)) <= 1.0

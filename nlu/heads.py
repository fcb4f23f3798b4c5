"""The learnt parts of the reader: character n-grams, anchors among sentence vectors, and decision heads over both.

A head scores its labels by the words a text uses (linear over n-grams) and by what it means (its nearness to every text learnt from).
Scores go through a softmax whose temperature comes from predictions for texts left out, which makes the outcome a calibrated
probability. Everything is plain arrays: a saved model cannot run code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer

from nlu.encoder import Vectors
from nlu.text import normalise

Floats = NDArray[np.float32]
NGRAM_RANGE = (1, 4)


class Ngrams:
    """TF-IDF of character 1- to 4-grams over normalised text, rows of unit length."""

    def __init__(self, vectorizer: TfidfVectorizer) -> None:
        self._vectorizer = vectorizer

    @staticmethod
    def _new(**kwargs: object) -> TfidfVectorizer:
        return TfidfVectorizer(
            analyzer="char",
            ngram_range=NGRAM_RANGE,
            sublinear_tf=True,
            lowercase=False,
            preprocessor=normalise,
            dtype=np.float32,
            **kwargs,
        )

    @classmethod
    def fit(cls, texts: Sequence[str], min_count: int = 2) -> tuple[Ngrams, csr_matrix]:
        """Learns the vocabulary, n-grams that occur in at least ``min_count`` texts (all n-grams when none does), and gives what
        :meth:`transform` would make of the texts."""
        vectorizer = cls._new(min_df=min_count)
        try:
            rows = vectorizer.fit_transform(texts)
        except ValueError:  # a handful of texts that share nothing
            vectorizer = cls._new(min_df=1)
            rows = vectorizer.fit_transform(texts)
        return cls(vectorizer), rows

    @classmethod
    def restore(cls, vocabulary: Sequence[str], idf: Floats) -> Ngrams:
        """The opposite of :attr:`vocabulary` and :attr:`idf`."""
        vectorizer = cls._new(vocabulary=list(vocabulary))
        vectorizer.idf_ = idf
        return cls(vectorizer)

    @property
    def vocabulary(self) -> list[str]:
        return [str(gram) for gram in self._vectorizer.get_feature_names_out()]

    @property
    def idf(self) -> Floats:
        return np.asarray(self._vectorizer.idf_, np.float32)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """float32 (len(texts), vocabulary)."""
        return self._vectorizer.transform(texts)

    def contributions(self, text: str, row: csr_matrix, weigh: Callable[[NDArray[np.int32]], Floats]) -> Floats:
        """How much each character of ``text`` adds to a linear score: (len(text),); ``row`` is the text's :meth:`transform`, ``weigh`` gives
        the weights of n-grams by their numbers.

        An n-gram's share is spread evenly over its occurrences and its characters.
        """
        value = dict(zip(row.indices.tolist(), (row.data * weigh(row.indices)).tolist(), strict=True))
        index, flat = self._vectorizer.vocabulary_, normalise(text)
        places: dict[int, list[tuple[int, int]]] = {}
        for size in range(NGRAM_RANGE[0], NGRAM_RANGE[1] + 1):
            for start in range(len(flat) - size + 1):
                gram = index.get(flat[start : start + size])
                if gram is not None:
                    places.setdefault(gram, []).append((start, size))
        out = np.zeros(len(text), np.float32)
        for gram, spots in places.items():
            share = value.get(gram, 0.0) / len(spots)
            for start, size in spots:
                out[start : start + size] += share / size
        return out


NEARNESS = (
    2.0  # how fast an anchor's say fades with distance; chosen on the shipped texts, each left out, among 1, 2, 4
)


@dataclass(frozen=True)
class Anchors:
    """Sentence vectors of the texts learnt from: ``mean`` (dimensions,), ``vectors`` (anchors, dimensions), centred, of unit length."""

    mean: Floats
    vectors: Floats

    @classmethod
    def of(cls, vectors: Vectors) -> Anchors:
        mean = vectors.mean(axis=0)
        return cls(mean, _unit(vectors - mean))

    def nearness(self, vectors: Vectors) -> Floats:
        """0..1, (texts, anchors): 1 for the same meaning."""
        near = _unit(vectors - self.mean) @ self.vectors.T
        near -= 1.0
        near *= NEARNESS
        return np.exp(near, out=near)  # in place: a training holds this for all pairs of texts


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), np.float32)


LEAST = 0.003  # the smallest fit whose logarithm is told apart


@dataclass(frozen=True)
class GramWeights:
    """Weights (vocabulary, labels) in ``whole`` numbers of 8 bits, each row with the ``size`` of one (vocabulary,): a quarter of the memory, and
    probabilities move in the third digit."""

    whole: NDArray[np.int8]
    size: Floats

    @classmethod
    def of(cls, weights: Floats) -> GramWeights:
        size = np.maximum(np.abs(weights).max(axis=1), 1e-20).astype(np.float32) / np.float32(127)
        return cls(np.round(weights / size[:, None]).astype(np.int8), size)

    def rows(self, grams: NDArray[np.int32]) -> Floats:
        """Weights of these n-grams: (len(grams), labels)."""
        return np.asarray(self.whole[grams] * self.size[grams, None], np.float32)

    def times(self, grams: csr_matrix) -> Floats:
        """``grams`` (texts, vocabulary) times the weights: (texts, labels). Only the rows that the texts need are unpacked."""
        seen, place = np.unique(grams.indices, return_inverse=True)
        few = csr_matrix((grams.data, place, grams.indptr), shape=(grams.shape[0], len(seen)))
        return np.asarray(few @ self.rows(seen), np.float32)


@dataclass(frozen=True)
class Head:
    """One decision over a closed set of labels.

    ``gram_weights`` (vocabulary, labels) and ``anchor_weights`` (labels, anchors) add up to one score a label. ``mix`` (2,) weighs the
    score and its logarithm and carries the temperature; ``bias`` (labels,) corrects the base rates.
    """

    labels: tuple[str, ...]
    gram_weights: GramWeights
    anchor_weights: Floats
    mix: Floats
    bias: Floats

    def scores(self, grams: csr_matrix, nearness: Floats) -> Floats:
        """(texts, labels): about 1 for a label that fits and 0 for one that does not; no probability."""
        return np.asarray(self.gram_weights.times(grams) + nearness @ self.anchor_weights.T, np.float32)

    def probabilities(self, grams: csr_matrix, nearness: Floats) -> Floats:
        """Calibrated, (texts, labels), rows sum to 1."""
        if len(self.labels) == 1:
            return np.ones((grams.shape[0], 1), np.float32)
        return blend(views(self.scores(grams, nearness)), self.mix, self.bias)


def views(scores: Floats) -> tuple[Floats, Floats]:
    """A score as it is and as a logarithm: the first tells good fits apart, the second bad ones."""
    return scores, np.log(np.clip(scores, LEAST, None))


@dataclass(frozen=True)
class Join:
    """Department and item judged together: an item speaks for its owner.

    ``owner`` (items,) is the row of each item's department; ``mix`` (2,) weighs the department's own probability and that of its
    items, ``bias`` (departments,) corrects.
    """

    owner: NDArray[np.int64]
    mix: Floats
    bias: Floats

    def views(self, departments: Floats, items: Floats) -> tuple[Floats, Floats]:
        """Log-probabilities of departments, by themselves and as the sum of their items: each (texts, departments)."""
        return np.log(departments + 1e-6), np.log(self.by_owner(items, departments.shape[1]) + 1e-6)

    def by_owner(self, items: Floats, departments: int) -> Floats:
        total = np.zeros((len(items), departments), np.float32)
        np.add.at(total.T, self.owner, items.T)
        return total

    def __call__(self, departments: Floats, items: Floats) -> tuple[Floats, Floats]:
        """Probabilities of departments and of items that agree: an item's is its share of its department's."""
        joined = blend(self.views(departments, items), self.mix, self.bias)
        share = items / np.maximum(self.by_owner(items, departments.shape[1])[:, self.owner], 1e-9)
        agreed = joined[:, self.owner] * share
        return joined, np.asarray(agreed / np.maximum(agreed.sum(axis=1, keepdims=True), 1e-9), np.float32)


def blend(views: Sequence[Floats], mix: Floats, bias: Floats) -> Floats:
    """softmax of the weighed views: (texts, labels)."""
    total = sum((weight * view for weight, view in zip(mix, views, strict=True)), start=np.zeros_like(views[0]))
    return np.asarray(softmax(total + bias, axis=1), np.float32)

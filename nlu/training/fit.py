"""Fitting a reader: heads with their calibration, and the thresholds that its promises rest on.

A head is a ridge regression in its dual form over letters and meaning together. One inverse gives the weights of all heads, and with it what
the fit would have said of each text had it been left out (the leave-one-out identity of linear smoothers). No folds, no random
draws, the same result every time, seconds instead of minutes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import strtri
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import softmax

from nlu.heads import Floats, GramWeights, Head, blend, views

Integers = NDArray[np.int64]

RIDGE = 0.5  # chosen on the shipped texts with each left out, among 0.3, 0.5, 1
MEANING = 2.0  # weight of nearness in meaning beside letters, chosen the same way among 0.5, 1, 2
MOST_ROWS = 20_000  # a fit of this size takes half a minute and 4.5 GB; larger sets are drawn down to it, evenly over the labels
_ROWS = 1000
_COMMON = 1000  # n-grams


@dataclass(frozen=True)
class Fitted:
    """A head with what it says of each text without having seen it."""

    head: Head
    everyone: Floats  # (texts judged, labels), also of texts without a label
    rows: Integers  # which texts have a label
    answers: Integers  # index into head.labels, as many as rows

    @property
    def held_out(self) -> Floats:
        """(labelled texts, labels), in the order of ``rows`` and ``answers``."""
        return self.everyone[self.rows]


@dataclass(frozen=True)
class Space:
    """What all heads share: ``grams`` (texts, vocabulary), and the ``kernel`` of letters and meaning, (texts, texts)."""

    grams: csr_matrix
    kernel: Floats

    @classmethod
    def of(cls, grams: csr_matrix, nearness: Floats) -> Space:
        """``nearness`` (texts, texts) is spoilt: the kernel takes its place."""
        nearness *= MEANING
        add_products(nearness, grams)
        return cls(grams, nearness)


def add_products(kernel: Floats, grams: csr_matrix) -> None:
    """Adds ``grams @ grams.T`` to ``kernel``. Common n-grams meet in nearly all pairs of texts: they are multiplied as full numbers, the
    others as the sparse ones they are."""
    common = np.zeros(grams.shape[1], bool)
    common[np.argsort(-np.bincount(grams.indices, minlength=grams.shape[1]), kind="stable")[:_COMMON]] = True
    often = grams[:, common].toarray()
    seldom = grams[:, ~common].tocsr()
    turned = seldom.T.tocsr()
    for start in range(0, len(kernel), _ROWS):
        rows = slice(start, start + _ROWS)
        kernel[rows] += often[rows] @ often.T
        kernel[rows] += (seldom[rows] @ turned).toarray()


def fit_heads(labels: Mapping[str, Sequence[str]], judged: int, space: Space, balance: str) -> dict[str, Fitted]:
    """Fits one head for each name of ``labels``, which gives a label for every text of the space, "" where there is none.

    The first ``judged`` texts are examples; the rest, such as descriptions of items, are learnt from and never judged. All heads share
    one inverse. Texts of rare labels of ``balance`` count for more, but not in full: the square root of balancing.
    """
    names = {head: sorted({label for label in given if label}) for head, given in labels.items()}
    targets = []
    for head, given in labels.items():
        index = {name: i for i, name in enumerate(names[head])}
        target = np.zeros((len(given), len(index)), np.float32)
        known = [(row, index[label]) for row, label in enumerate(given) if label]
        target[tuple(zip(*known, strict=True))] = 1.0
        targets.append(target)
    sizes = Counter(label for label in labels[balance] if label)
    even = sum(sizes.values()) / len(sizes)
    penalty = np.array([RIDGE * np.sqrt(sizes.get(label, even) / even) for label in labels[balance]], np.float32)
    duals, held = _ridge(space.kernel, np.hstack(targets), penalty)
    fitted, at = {}, 0
    for head, given in labels.items():
        columns = slice(at, at + len(names[head]))
        at = columns.stop
        rows = np.flatnonzero([bool(label) for label in given[:judged]])
        y = np.array([names[head].index(given[int(row)]) for row in rows])
        fitted[head] = _fitted(tuple(names[head]), duals[:, columns], held[:judged, columns], rows, y, space)
    return fitted


def _fitted(names: tuple[str, ...], duals: Floats, held: Floats, rows: Integers, y: Integers, space: Space) -> Fitted:
    grams = GramWeights.of(np.asarray(space.grams.T @ duals, np.float32))
    anchors = np.ascontiguousarray(MEANING * duals.T)
    if len(names) == 1:
        head = Head(names, grams, anchors, np.ones(2, np.float32), np.ones(1, np.float32))
        return Fitted(head, np.ones((len(held), 1), np.float32), rows, y)
    seen = views(held)
    mix, bias = calibrate([view[rows] for view in seen], y)
    return Fitted(Head(names, grams, anchors, mix, bias), blend(seen, mix, bias), rows, y)


def _ridge(kernel: Floats, target: Floats, penalty: Floats) -> tuple[Floats, Floats]:
    """Dual weights (texts, labels), and the prediction for each text with that text left out. Spoils ``kernel``."""
    kernel[np.diag_indices_from(kernel)] += penalty
    # it is symmetric: turned it lies as LAPACK wants it, and is not copied
    factor, _ = cho_factor(kernel.T, lower=True, overwrite_a=True, check_finite=False)
    duals = cho_solve((factor, True), target, check_finite=False)
    root, _ = strtri(factor, lower=1, overwrite_c=1)  # the inverse is root.T @ root; only its diagonal is wanted
    diagonal = np.zeros(len(target), np.float32)
    for start in range(0, len(target), _ROWS):
        rows = np.tril(root[start : start + _ROWS], start)  # above the diagonal stands what was there before
        diagonal += np.einsum("ij,ij->j", rows, rows)
    held = target - duals / diagonal[:, None]
    return duals.astype(np.float32), held.astype(np.float32)


def calibrate(views: Sequence[Floats], y: Integers) -> tuple[Floats, Floats]:
    """The weights of the views and the classes' biases that minimise the log-loss on held-out scores.

    Biases are held near zero (a weak prior of one example per class), so that rare classes do not run away.
    """
    classes = views[0].shape[1]
    onehot = np.zeros_like(views[0], np.float64)
    onehot[np.arange(len(y)), y] = 1.0
    stacked = [v.astype(np.float64) for v in views]

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        mix, bias = parameters[: len(stacked)], parameters[len(stacked) :]
        total = sum(m * v for m, v in zip(mix, stacked, strict=True)) + bias
        p = softmax(total, axis=1)
        value = -np.log(np.clip(p[np.arange(len(y)), y], 1e-12, None)).sum() + 2.0 * (bias**2).sum()
        slope = p - onehot
        gradient = [float((slope * v).sum()) for v in stacked] + list(slope.sum(axis=0) + 4.0 * bias)
        return value / len(y), np.array(gradient) / len(y)

    start = np.concatenate([[1.0] * len(stacked), np.zeros(classes)])
    bounds = [(0.0, 60.0)] * len(stacked) + [(-4.0, 4.0)] * classes
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}).x
    return best[: len(stacked)].astype(np.float32), best[len(stacked) :].astype(np.float32)


def auto_threshold(p: Floats, y: Integers, bar: float, least: int = 50) -> float:
    """The lowest confidence from which on held-out precision keeps ``bar``; 1.01 (never) when none does.

    At least ``least`` examples must lie above it, so that the figure means something.
    """
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    order = np.argsort(-confidence)
    precision = np.cumsum(right[order]) / np.arange(1, len(y) + 1)
    # a threshold lets in all that share its confidence, so only the last of equals counts
    last = np.append(confidence[order][1:] != confidence[order][:-1], True)
    kept = np.flatnonzero((precision >= bar) & last & (np.arange(1, len(y) + 1) >= least))
    return float(confidence[order[kept[-1]]]) if len(kept) else 1.01


def conformal_threshold(p: Floats, y: Integers, coverage: float) -> float:
    """Probability a label must reach to be in the set so that sets hold the right label at ``coverage``."""
    scores = np.sort(1.0 - p[np.arange(len(y)), y])
    rank = min(len(scores) - 1, int(np.ceil((len(scores) + 1) * coverage)) - 1)
    return float(1.0 - scores[rank])

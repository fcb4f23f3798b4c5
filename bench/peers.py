"""The readers that ours is compared with: each learns and judges the same texts, its settings chosen on a tenth of what it learns from."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.svm import LinearSVC

Integers = NDArray[np.int64]
Scores = NDArray[np.float64]  # (texts, classes); larger is likelier
Peer = Callable[
    [Sequence[str], Integers, Sequence[str], int], Scores
]  # (learn, classes of these, judge, number of classes)
SEED = 13


def peers() -> dict[str, Peer]:
    """Those whose libraries are here."""
    found: dict[str, Peer] = {"svc": svc, "svc_balanced": svc_balanced, "words_logistic": words_logistic}
    try:
        import fasttext  # noqa: F401
    except ImportError:
        logging.getLogger(__name__).warning("fastText is left out: `.venv/bin/pip install fasttext-numpy2==0.10.4`")
    else:
        found["fasttext"] = fast_text
    return found


def svc(learn: Sequence[str], y: Integers, judge: Sequence[str], classes: int) -> Scores:
    """TF-IDF of one to four characters with a linear support vector machine, the strongest of the simple ones."""
    return _svc(learn, y, judge, classes, None)


def svc_balanced(learn: Sequence[str], y: Integers, judge: Sequence[str], classes: int) -> Scores:
    """The same, rare classes weighing as much as frequent ones."""
    return _svc(learn, y, judge, classes, "balanced")


def _svc(learn: Sequence[str], y: Integers, judge: Sequence[str], classes: int, weight: str | None) -> Scores:
    def fit(some: Sequence[str], of: Integers, others: Sequence[str], c: float) -> Scores:
        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, min_df=2)
        x = vectorizer.fit_transform(some)
        model = LinearSVC(C=c, class_weight=weight, random_state=SEED).fit(x, of)
        return _all_classes(model.decision_function(vectorizer.transform(others)), model.classes_, classes)

    return fit(learn, y, judge, _best(fit, learn, y, (0.2, 0.5, 1.0)))


def words_logistic(learn: Sequence[str], y: Integers, judge: Sequence[str], classes: int) -> Scores:
    """TF-IDF of jieba's words with logistic regression."""

    def fit(some: Sequence[str], of: Integers, others: Sequence[str], c: float) -> Scores:
        vectorizer = TfidfVectorizer(analyzer=str.split, sublinear_tf=True, min_df=2)
        x = vectorizer.fit_transform(some)
        model = LogisticRegression(C=c, max_iter=300).fit(x, of)
        return _all_classes(model.predict_proba(vectorizer.transform(others)), model.classes_, classes)

    learn, judge = _words(learn), _words(judge)
    return fit(learn, y, judge, _best(fit, learn, y, (3.0, 10.0, 30.0)))


def fast_text(learn: Sequence[str], y: Integers, judge: Sequence[str], classes: int) -> Scores:
    """fastText over characters and up to four of them in a row; one thread, so that it gives the same twice."""
    import fasttext

    def fit(some: Sequence[str], of: Integers, others: Sequence[str], epochs: int) -> Scores:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "learn.txt"
            lines = (f"__label__{label} {text}\n" for text, label in zip(some, of, strict=True))
            file.write_text("".join(lines), "utf-8")
            model = fasttext.train_supervised(
                str(file),
                lr=0.5,
                epoch=epochs,
                wordNgrams=4,
                dim=100,
                minCount=1,
                bucket=500_000,
                thread=1,
                seed=SEED,
                verbose=0,
            )
        scores = np.zeros((len(others), classes))
        for row, text in enumerate(others):
            for label, chance in zip(*model.predict(text, k=classes), strict=True):
                scores[row, int(label.removeprefix("__label__"))] = chance
        return scores

    learn, judge = _characters(learn), _characters(judge)
    return fit(learn, y, judge, _best(fit, learn, y, (10, 25)))


Setting = TypeVar("Setting", float, int)


def _best(
    fit: Callable[[Sequence[str], Integers, Sequence[str], Setting], Scores],
    texts: Sequence[str],
    y: Integers,
    settings: Iterable[Setting],
) -> Setting:
    """The setting with the most right answers on a tenth of the texts."""
    learn, judge = train_test_split(np.arange(len(y)), test_size=0.1, random_state=SEED)
    some, others = [texts[i] for i in learn], [texts[i] for i in judge]
    right = {s: float((fit(some, y[learn], others, s).argmax(axis=1) == y[judge]).mean()) for s in settings}
    return max(right, key=right.__getitem__)


def _all_classes(scores: np.ndarray, present: np.ndarray, classes: int) -> Scores:
    """Classes that were not learnt come last."""
    whole = np.full((len(scores), classes), scores.min() - 1.0)
    whole[:, present] = scores
    return whole


def _words(texts: Sequence[str]) -> list[str]:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    return [" ".join(word for word in jieba.lcut(text) if word.strip()) for text in texts]


def _characters(texts: Sequence[str]) -> list[str]:
    return [" ".join("".join(text.split())) for text in texts]

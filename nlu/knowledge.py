"""Answers to questions about city services: FAQ entries written by people, found by meaning and by letters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from nlu.checking import Checker, load_list
from nlu.encoder import Encoder, Progress, Vectors, excerpt
from nlu.text import normalise

_POLITE = re.compile(
    r"^(?:您好|你好|请问一下|请问|我想问一下|我想问|想问下|想咨询一下|咨询一下|想了解一下|麻烦问下|唔该|[,\uff0c ])+|(?:[?!\uff1f\uff01。~ ]|谢谢|吗|呢|啊|呀|嘛){1,12}$"
)


@dataclass(frozen=True)
class Answer:
    """An entry as written; ``date`` is that of its source."""

    id: str
    title: str
    department: str
    questions: tuple[str, ...]
    answer: str
    where: str
    source: str
    date: str


@dataclass(frozen=True)
class Match:
    """An entry and how near it is: 0..1, a mean of cosine of meaning (rescaled) and of letters; no probability."""

    entry: Answer
    score: float


def load_answers(folder: Path, departments: object = ()) -> list[Answer]:
    """Reads ``faq/*.yml``; raises :class:`DataMalformed` naming file and line."""
    check = Checker()
    seen: dict[str, str] = {}
    asked: dict[str, str] = {}
    answers = []
    required = {"id", "title", "department", "questions", "answer", "where", "source", "date"}
    for path in sorted(folder.glob("*.yml")):
        for where, entry in load_list(path, check.faults):
            if not check.entry(where, {**entry, "code": entry.get("id")}, required | {"code"}, set(), seen):
                continue
            if departments:
                check.known(where, "department", entry["department"], departments)
            for question in entry["questions"]:
                key = normalise(str(question)).strip()
                if key in asked:
                    check.fault(where, f"question '{question}' already stands at {asked[key]}")
                asked[key] = where
            answers.append(
                Answer(**{**entry, "questions": tuple(str(q) for q in entry["questions"]), "date": str(entry["date"])})
            )
    if not answers:
        check.fault(str(folder), "no FAQ entries found (*.yml)")
    check.finish()
    return answers


class Knowledge:
    """The FAQ, ready to be asked. Building it encodes every question once; ``encoder`` may be a cached one, ``asking`` encodes what
    residents ask and is never cached."""

    def __init__(
        self,
        answers: Sequence[Answer],
        encoder: Encoder,
        asking: Encoder | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.answers = {a.id: a for a in answers}
        self._owner = [a.id for a in answers for _ in (*a.questions, a.title)]
        texts = [_core(q) for a in answers for q in (*a.questions, a.title)]
        self._vectors = encoder.encode(texts, progress)
        self._mean = self._vectors.mean(axis=0)
        self._centred = _unit(self._vectors - self._mean)
        self._letters = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, preprocessor=normalise)
        self._matrix = self._letters.fit_transform(texts)
        self._encoder = asking or encoder

    def search(self, question: str, vector: Vectors | None = None, most: int = 3) -> list[Match]:
        """The nearest entries, best first. ``vector`` (dimensions,) of the whole text saves encoding it again."""
        core = _core(question)
        if not core:
            return []
        if vector is None or core != question:
            vector = self._encoder.encode([excerpt(core)])[0]
        meaning = self._centred @ _unit((vector - self._mean)[None])[0]
        letters = (self._matrix @ self._letters.transform([core]).T).toarray()[:, 0]
        score = 0.65 * np.clip(meaning, 0, 1) + 0.35 * letters
        best: dict[str, float] = {}
        for row in np.argsort(-score)[: most * 12]:
            best.setdefault(self._owner[row], float(score[row]))
            if len(best) == most:
                break
        return [Match(self.answers[key], round(value, 4)) for key, value in best.items()]


def _core(question: str) -> str:
    """The question without greetings and particles, unless nothing would be left."""
    bare = _POLITE.sub("", question.strip())
    return bare if len(bare) >= 2 else question.strip()


def _unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), np.float32)

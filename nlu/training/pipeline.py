"""``minyi train``: from labelled texts to a model with its card."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from nlu.catalogue import Catalogue
from nlu.encoder import Encoder, excerpt
from nlu.errors import DataMalformed
from nlu.heads import Anchors, Floats, Join, Ngrams
from nlu.reader import NONE
from nlu.store import Model
from nlu.training import fit
from nlu.training.dataset import Example, counts, fingerprint
from nlu.training.evaluate import expected_calibration_error, macro_f1, top
from nlu.urgency import Cues, signs

Progress = Callable[[str, float], None]  # (what is being done, share of the whole 0..1)

LEAST_DANGERS = 50  # critical texts from which on the alarm is fitted to them
PRECISION_BAR = 0.95
COVERAGE = 0.95


@dataclass(frozen=True)
class Learnt:
    """A model with the examples it learnt from, and by head what it says of each without having seen it."""

    model: Model
    examples: Sequence[Example]
    fitted: dict[str, fit.Fitted]


def train(
    examples: Sequence[Example],
    encoder: Encoder,
    catalogue: Catalogue | None,
    *,
    seed: int = 13,
    precision: float = PRECISION_BAR,
    coverage: float = COVERAGE,
    progress: Progress = lambda what, share: None,
    cues: Cues | None = None,
) -> Model:
    """The model of :func:`learn`."""
    return learn(
        examples, encoder, catalogue, seed=seed, precision=precision, coverage=coverage, progress=progress, cues=cues
    ).model


def learn(
    examples: Sequence[Example],
    encoder: Encoder,
    catalogue: Catalogue | None,
    *,
    seed: int = 13,
    precision: float = PRECISION_BAR,
    coverage: float = COVERAGE,
    progress: Progress = lambda what, share: None,
    cues: Cues | None = None,
) -> Learnt:
    """Fits all heads the labels allow. Same examples, seed and versions → same scores. With ``cues`` the alarm is fitted too.

    Raises :class:`DataMalformed` when fewer than two departments are named.
    """
    if len({e.department for e in examples if e.department}) < 2:
        raise DataMalformed(
            "the training data names fewer than two departments; give files with a filled column 'department'"
        )
    examples = draw(examples, fit.MOST_ROWS, seed)
    described = list(catalogue.items.values()) if catalogue else []
    texts = [e.text for e in examples] + [f"{item.name}。{item.about}" for item in described]
    progress("句向量 sentence vectors", 0.0)
    vectors = encoder.encode(
        [excerpt(text) for text in texts],
        lambda done, total: progress("句向量 sentence vectors", 0.55 * done / total),
    )
    progress("字词 n-grams", 0.56)
    (ngrams, grams), anchors = Ngrams.fit(texts, min_count=2), Anchors.of(vectors)
    space = fit.Space.of(grams, anchors.nearness(vectors))

    targets: dict[str, list[str]] = {
        "department": [e.department or (NONE if e.kind == "other" else "") for e in examples],
        "item": [e.item or (NONE if e.kind == "other" and not e.department else "") for e in examples],
        "urgency": [e.urgency for e in examples],
        "hazard": [e.hazard for e in examples],
        "kind": [e.kind for e in examples],
    }
    extra = {"department": [item.department for item in described], "item": [item.code for item in described]}
    wanted = [name for name, labels in targets.items() if len({label for label in labels if label} - {NONE}) >= 2]
    progress("学习 learning", 0.7)
    blank = [""] * len(described)
    fitted = fit.fit_heads(
        {name: targets[name] + extra.get(name, blank) for name in wanted}, len(examples), space, "department"
    )
    join = None
    if catalogue and "item" in fitted:
        join = _join(fitted, catalogue)
    progress("学习 learning", 1.0)

    department = fitted["department"]
    promises: dict[str, Any] = {
        "precision": precision,
        "auto_threshold": fit.auto_threshold(department.held_out, department.answers, precision),
        "coverage": coverage,
        "conformal_threshold": fit.conformal_threshold(department.held_out, department.answers, coverage),
    }
    if "urgency" in fitted and cues is not None:
        promises["alarm"] = _alarm(fitted, texts, cues)
    created = datetime.now(UTC)
    digest = fingerprint(examples)
    card: dict[str, Any] = {
        "kind": "reader",
        "version": f"{created:%Y%m%d-%H%M%S}-{digest[:6]}",
        "created": created.isoformat(timespec="seconds"),
        "package": version("minyi"),
        "encoder": encoder.name,
        "catalogue": "none" if catalogue is None else sorted(catalogue.items),
        "catalogue_version": "" if catalogue is None else catalogue.changelog.version,
        "seed": seed,
        "data": {
            "fingerprint": digest,
            "texts": len(examples),
            **{what: counts(examples, what) for what in ("department", "item", "urgency", "kind", "hazard")},
        },
        "promises": promises,
        "scores": {name: held_out_scores(f.held_out, f.answers) for name, f in fitted.items()},
        "made_on": {
            "python": platform.python_version(),
            "numpy": version("numpy"),
            "scikit-learn": version("scikit-learn"),
            "cores": os.cpu_count(),
        },
    }
    scores = card["scores"]["department"]
    auto = department.held_out.max(axis=1) >= promises["auto_threshold"]
    right = department.held_out.argmax(axis=1) == department.answers
    scores["auto_share"] = round(float(auto.mean()), 4)
    scores["auto_precision"] = round(float(right[auto].mean()), 4) if auto.any() else None
    sizes = (department.held_out >= promises["conformal_threshold"]).sum(axis=1)
    scores["candidates_mean"] = round(float(sizes.mean()), 3)
    model = Model(ngrams, anchors, {name: f.head for name, f in fitted.items()}, join, card)
    return Learnt(model, examples, fitted)


def draw(examples: Sequence[Example], most: int, seed: int) -> Sequence[Example]:
    """At most ``most`` examples: all of rare departments, of the others as many as fit, drawn at random with ``seed``."""
    if len(examples) <= most:
        return examples
    order = np.random.default_rng(seed).permutation(len(examples))
    turn: dict[str, int] = {}
    ranks = []
    for i in order:  # the n-th of its department; small n first
        department = examples[i].department
        turn[department] = turn.get(department, 0) + 1
        ranks.append((turn[department], int(i)))
    return [examples[i] for _, i in sorted(sorted(ranks)[:most], key=lambda r: r[1])]


def _join(fitted: dict[str, fit.Fitted], catalogue: Catalogue) -> Join:
    """Fits the joint judgement and puts what it says of the examples in the place of what the two heads said alone."""
    department, item = fitted["department"], fitted["item"]
    names, codes = department.head.labels, item.head.labels
    owner = np.array([names.index(NONE if code == NONE else catalogue.items[code].department) for code in codes])
    loose = Join(owner, np.ones(2, np.float32), np.zeros(len(names), np.float32))
    rows = department.rows
    mix, bias = fit.calibrate(loose.views(department.everyone[rows], item.everyone[rows]), department.answers)
    join = Join(owner, mix, bias)
    joined, agreed = join(department.everyone, item.everyone)
    fitted["department"], fitted["item"] = replace(department, everyone=joined), replace(item, everyone=agreed)
    return join


def held_out_scores(p: Floats, y: np.ndarray) -> dict[str, Any]:
    """Figures from predictions for texts left out: shares 0..1. The calibration was fitted to the same predictions, so its error
    and whatever rests on a threshold come out a little too good."""
    return {
        "examples": len(y),
        "accuracy": round(float((p.argmax(axis=1) == y).mean()), 4),
        "macro_f1": round(macro_f1(p.argmax(axis=1), y), 4),
        "top3": round(top(p, y, 3), 4),
        "ece": round(expected_calibration_error(p, y), 4),
    }


def _alarm(fitted: dict[str, fit.Fitted], texts: Sequence[str], cues: Cues) -> dict[str, Any]:
    """Weighs model and cues on texts the model had not seen; the alarm may then fall on 12 in 1,000 of the normal ones. What it falls on
    are mostly near misses; a needless "call 119" costs less than a missed one."""
    urgency = fitted["urgency"]
    levels = list(urgency.head.labels)
    if "critical" not in levels or "normal" not in levels:
        return {}
    danger = urgency.answers == levels.index("critical")
    if danger.sum() < LEAST_DANGERS:
        return {}
    critical = urgency.held_out[:, levels.index("critical")]
    asks_help = np.full(len(danger), 0.5, np.float32)
    if "kind" in fitted and "help" in fitted["kind"].head.labels:
        asks_help = fitted["kind"].everyone[urgency.rows, fitted["kind"].head.labels.index("help")]
    rows = (texts[row] for row in urgency.rows)
    x = np.array([signs(t, float(c), float(h), cues) for t, c, h in zip(rows, critical, asks_help, strict=True)])
    model = LogisticRegression(max_iter=1000).fit(x, danger)
    chance = model.predict_proba(x)[:, 1]
    normal = chance[urgency.answers == levels.index("normal")]
    threshold = float(np.clip(np.quantile(normal, 0.988), 0.15, 0.35))
    return {
        "weights": [round(float(w), 4) for w in model.coef_[0]],
        "bias": round(float(model.intercept_[0]), 4),
        "threshold": round(threshold, 4),
        "raised": {
            level: round(float((chance[urgency.answers == i] >= threshold).mean()), 4) for i, level in enumerate(levels)
        },
    }

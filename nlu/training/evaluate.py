"""How well a model reads labelled texts it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlu.errors import DataMalformed
from nlu.heads import Floats
from nlu.reader import NONE, Reader
from nlu.reading import Reading
from nlu.training.dataset import Example

Integers = NDArray[np.integer]


def macro_f1(predicted: Integers, y: Integers) -> float:
    """Mean F1 over the classes that occur in ``y``."""
    scores = []
    for c in np.unique(y):
        hit = int(((predicted == c) & (y == c)).sum())
        scores.append(2 * hit / max(1, int((predicted == c).sum()) + int((y == c).sum())))
    return float(np.mean(scores))


def top(p: Floats, y: Integers, k: int) -> float:
    """Share of rows whose right label is among the ``k`` most probable."""
    return float((np.argsort(-p, axis=1)[:, :k] == np.asarray(y)[:, None]).any(axis=1).mean())


def expected_calibration_error(p: Floats, y: Integers, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over ``bins`` equal-width bins of confidence."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(float(right[which == b].mean()) - float(confidence[which == b].mean())) * float((which == b).mean())
        for b in range(bins)
        if (which == b).any()
    ]
    return float(sum(gaps))


def evaluate(
    reader: Reader, examples: Sequence[Example], progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """Figures for every label the examples carry, shares 0..1, with a table by department.

    Labels the model has never seen count as wrong. Raises :class:`DataMalformed` when no example has a department.
    """
    readings: list[Reading] = []
    for reading in reader.read_many(e.text for e in examples):
        readings.append(reading)
        if len(readings) % 64 == 0 or len(readings) == len(examples):
            progress(len(readings), len(examples))
    pairs = [(e, r) for e, r in zip(examples, readings, strict=True) if e.department]
    if not pairs:
        raise DataMalformed("no row has a department to compare with; fill the column 'department'")
    report: dict[str, Any] = {"model": reader.model.version, "examples": len(examples)}
    report["department"] = _choices(pairs, "department", reader)
    if any(e.item for e in examples) and "item" in reader.model.heads:
        report["item"] = _choices([(e, r) for e, r in zip(examples, readings, strict=True) if e.item], "item", reader)
    if any(e.urgency for e in examples):
        report["urgency"] = _urgency([(e, r) for e, r in zip(examples, readings, strict=True) if e.urgency], reader)
    if any(e.kind for e in examples) and "kind" in reader.model.heads:
        told = [(e.kind, r.kind.label) for e, r in zip(examples, readings, strict=True) if e.kind]
        report["kind"] = _plain(told)
    placed = [(e, r) for e, r in zip(examples, readings, strict=True) if e.place]
    if placed:
        found = [
            r.place is not None and (r.place.text in e.place or e.place in r.place.text or _overlap(e, r))
            for e, r in placed
        ]
        report["place"] = {"examples": len(placed), "found": _share(found)}
    return report


def _overlap(example: Example, reading: Reading) -> bool:
    start = example.text.find(example.place)
    return reading.place is not None and reading.place.start < start + len(example.place) and start < reading.place.end


def _share(flags: Sequence[bool] | NDArray[Any]) -> float | None:
    return round(float(np.mean(flags)), 4) if len(flags) else None


def _plain(told: Sequence[tuple[str, str]]) -> dict[str, Any]:
    labels = sorted({label for pair in told for label in pair})
    y = np.array([labels.index(a) for a, _ in told])
    predicted = np.array([labels.index(b) for _, b in told])
    return {"examples": len(told), "accuracy": _share(predicted == y), "macro_f1": round(macro_f1(predicted, y), 4)}


def _choices(pairs: Sequence[tuple[Example, Reading]], what: str, reader: Reader) -> dict[str, Any]:
    told, chosen = [getattr(e, what) for e, _ in pairs], [getattr(r, what) or NONE for _, r in pairs]
    report = _plain(list(zip(told, chosen, strict=True)))
    lists = [r.departments if what == "department" else r.items for _, r in pairs]
    report["top3"] = _share([answer in [c.code for c in choices] for answer, choices in zip(told, lists, strict=True)])
    right = np.array([a == b for a, b in zip(told, chosen, strict=True)])
    confidence = np.array([choices[0].confidence if choices else 0.0 for choices in lists])
    two = np.stack([confidence, 1 - confidence], axis=1)  # confidence against the rest, for the calibration figure
    which = np.minimum((confidence * 15).astype(int), 14)
    report["ece"] = round(
        sum(
            abs(float(right[which == b].mean()) - float(two[which == b, 0].mean())) * float((which == b).mean())
            for b in range(15)
            if (which == b).any()
        ),
        4,
    )
    if what == "department":
        auto = np.array([r.decision == "auto" for _, r in pairs])
        report["auto_share"], report["auto_precision"] = _share(auto), _share(right[auto])
        report["candidates_coverage"] = _share([a in r.candidates for a, (_, r) in zip(told, pairs, strict=True)])
        report["candidates_mean"] = round(float(np.mean([len(r.candidates) for _, r in pairs])), 3)
        report["unknown_labels"] = sorted(set(told) - set(reader.model.heads["department"].labels))
        report["by_department"] = _table(told, chosen)
    return report


def _table(told: Sequence[str], chosen: Sequence[str]) -> dict[str, dict[str, Any]]:
    table = {}
    for label in sorted(set(told)):
        hit = sum(a == b == label for a, b in zip(told, chosen, strict=True))
        cases, claimed = told.count(label), chosen.count(label)
        table[label] = {
            "cases": cases,
            "recall": round(hit / cases, 4),
            "precision": round(hit / claimed, 4) if claimed else None,
            "f1": round(2 * hit / (cases + claimed), 4),
        }
    return table


def _urgency(pairs: Sequence[tuple[Example, Reading]], reader: Reader) -> dict[str, Any]:
    """Look-alikes are texts without danger in which words stand that name one."""
    report = _plain([(e.urgency, r.urgency.level) for e, r in pairs])
    raised = [r.urgency.level == "critical" for _, r in pairs]
    real = [e.urgency == "critical" for e, _ in pairs]
    report["critical_recall"] = _share([a for a, b in zip(raised, real, strict=True) if b])
    report["false_alarm_share"] = _share([a for a, b in zip(raised, real, strict=True) if not b])
    alike = [a for a, b, (e, _) in zip(raised, real, pairs, strict=True) if not b and reader.city.cues.match(e.text)]
    report["lookalikes"], report["lookalikes_raised"] = len(alike), _share(alike)
    report["hazard_named_right"] = _share([r.urgency.hazard == e.hazard for e, r in pairs if e.hazard])
    return report

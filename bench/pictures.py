"""Pictures for the cards under ``docs/``, as SVG on a white ground so that they read on light and dark pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update(
    {"svg.hashsalt": "minyi", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
)

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

from nlu.training.dataset import Example  # noqa: E402

COLOURS = ("#0f5f58", "#b3261e", "#8a5a00", "#3d5a98")
URGENCY = {"normal": "#9cc5bf", "urgent": "#e0a030", "critical": "#b3261e"}


def learning_curve(points: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Accuracy over the number of texts learnt from."""
    figure, axis = plt.subplots(figsize=(6.2, 3.4))
    for name, colour in zip(("test", "message_board_sample", "city_a_tickets"), COLOURS, strict=False):
        known = [p for p in points if name in p]
        if known:
            axis.plot([p["texts"] for p in known], [p[name] for p in known], "o-", color=colour, label=name)
    axis.set(xlabel="texts learnt from", ylabel="department, first guess right", ylim=(0.4, 1.0))
    axis.set_xticks([p["texts"] for p in points])
    axis.grid(axis="y", color="#ddd")
    axis.legend(frameon=False, loc="lower right")
    _save(figure, path)


def lengths(texts: Mapping[str, Sequence[int]], path: Path) -> None:
    """Share of texts up to a length in characters."""
    figure, axis = plt.subplots(figsize=(6.2, 3.2))
    for (name, sizes), colour in zip(texts.items(), COLOURS, strict=False):
        axis.plot(np.sort(sizes), np.arange(1, len(sizes) + 1) / len(sizes), color=colour, label=name)
    axis.set(xscale="log", xlabel="characters", ylabel="share of texts up to this length", xlim=(3, 3000), ylim=(0, 1))
    axis.set_xticks(
        [5, 10, 20, 50, 100, 200, 500, 1000, 2000], ["5", "10", "20", "50", "100", "200", "500", "1000", "2000"]
    )
    axis.grid(color="#ddd")
    axis.legend(frameon=False)
    _save(figure, path)


def by_department(examples: Sequence[Example], path: Path) -> None:
    """Texts of each department, by urgency."""
    totals = Counter(e.department or "(none)" for e in examples)
    names = [name for name, _ in totals.most_common()][::-1]
    figure, axis = plt.subplots(figsize=(6.2, 8.4))
    start = np.zeros(len(names))
    for urgency, colour in URGENCY.items():
        counted = Counter(e.department or "(none)" for e in examples if e.urgency == urgency)
        widths = np.array([counted[name] for name in names])
        axis.barh(names, widths, left=start, color=colour, label=urgency)
        start += widths
    axis.set(xlabel="texts")
    axis.margins(y=0.01)
    axis.legend(frameon=False, loc="lower right")
    _save(figure, path)


def by_item(examples: Sequence[Example], path: Path) -> None:
    """How many items have how many texts."""
    counted = Counter(e.item for e in examples if e.item)
    figure, axis = plt.subplots(figsize=(6.2, 2.8))
    axis.hist(list(counted.values()), bins=range(10, max(counted.values()) + 6, 5), color=COLOURS[0])
    axis.set(xlabel="texts of an item", ylabel="items")
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None}, facecolor="white")
    plt.close(figure)

"""Measures how wide the inputs of the encoder's maps are, for :mod:`nlu.e5_graph`: ``python -m bench.encoder_steps``.

Writes ``nlu/e5_steps.npz`` from 400 shipped texts. Needed anew only when the encoder's weights change; all models must then be trained again.
For each map the sharing between input and weights and the part cut off at both ends are those with the least error of its output.
"""

from __future__ import annotations

import sys

import numpy as np

from minyi.settings import ROOT, load_settings
from nlu.e5 import E5Small, Weights, batches, shipped_weights
from nlu.e5_graph import MAPS, Floats, graph, open_session, to_8_bits
from nlu.encoder import excerpt
from nlu.training.dataset import load_examples

TEXTS, ROWS = 400, 2500
SHARES = (0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)  # of the input's width that the weights take over
CUTS = (0, 0.001, 0.005, 0.02, 0.05)  # percent at each end


def main() -> int:
    rng = np.random.default_rng(13)
    files = sorted((load_settings().training_data / "complaints").glob("*.csv"))
    texts = [excerpt(e.text) for e in load_examples(files, None)]
    weights = Weights(shipped_weights())
    found: dict[str, np.ndarray] = {}
    for name, x in inputs(weights, [texts[i] for i in rng.permutation(len(texts))[:TEXTS]]).items():
        layer, kind = name.split(".")
        parts = [weights.matrix(f"{layer}.{part}.w", x.shape[1]) for part in MAPS[kind]]
        widths, step, zero, error = best(rng.permutation(x), np.concatenate(parts, axis=1), kind)
        found |= {f"{name}.widths": widths, f"{name}.step": np.float32(step), f"{name}.zero": np.uint8(zero)}
        print(f"{name}: error {error:.1e} of the output")
    np.savez(ROOT / "nlu" / "e5_steps.npz", **found)  # type: ignore[arg-type]
    return 0


def inputs(weights: Weights, texts: list[str]) -> dict[str, Floats]:
    """By map what flows into it: (tokens, channels)."""
    encoder, session = E5Small(exact=True), open_session(graph(weights, None, probe=True))
    windows = [encoder.pieces(text)[: weights.window - 2] for text in texts]
    names = [f"l{number}.{kind}" for number in range(weights.layers) for kind in MAPS]
    seen: dict[str, list[Floats]] = {name: [] for name in names}
    for rows in batches([len(window) for window in windows]):
        feed, there = encoder.feed([windows[i] for i in rows])
        for name, x in zip(names, session.run(None, feed)[1:], strict=True):
            seen[name].append(x[there])
    return {name: np.concatenate(x) for name, x in seen.items()}


def best(x: Floats, matrix: Floats, kind: str) -> tuple[Floats, float, int, float]:
    """Widths, step and zero of one map, and the share of the output's energy that rounding costs."""
    some, answer = x[:ROWS], x[:ROWS] @ matrix
    wide, heavy = np.maximum(np.abs(x).max(axis=0), 1e-4), np.maximum(np.abs(matrix).max(axis=1), 1e-4)
    tried = []
    for share in (0,) if kind == "ao" else SHARES:  # what flows into "ao" is even enough
        widths = wide**share / heavy ** (1 - share) if share else np.ones(len(wide))
        widths = (widths / np.exp(np.log(widths).mean())).astype(np.float16).astype(np.float32)
        even, (whole, size) = x / widths, to_8_bits(matrix * widths[:, None])
        for cut in CUTS:
            low, high = (even.min(), even.max()) if cut == 0 else np.percentile(even, [cut, 100 - cut])
            step = (high - low) / 255
            zero = int(np.clip(np.round(-low / step), 0, 255))
            rounded = (np.clip(np.round(some / widths / step) + zero, 0, 255) - zero) * step
            error = float(((rounded @ (whole * size) - answer) ** 2).mean() / (answer**2).mean())
            kept = widths.astype(np.float16) if share else np.zeros(0, np.float16)
            tried.append((error, kept, float(step), zero))
    error, widths, step, zero = min(tried, key=lambda one: one[0])
    return widths, step, zero, error


if __name__ == "__main__":
    sys.exit(main())

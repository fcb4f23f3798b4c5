"""What the shipped texts are like, beside real ones where they are: ``python -m bench.dataset``. Writes ``docs/dataset.json`` and pictures.

Real files lie beside the repository and are never part of it; without them their columns are left out.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from bench import pictures
from bench.accuracy import CITY_A, MESSAGE_BOARD, REAL, bench_encoder, pairs
from minyi.settings import ROOT, load_settings
from nlu.catalogue import load_catalogue
from nlu.reader import City, Reader
from nlu.text import normalise
from nlu.training.dataset import Example, load_examples, near_duplicates
from nlu.training.evaluate import evaluate
from nlu.training.pipeline import train

PERCENTILES = (5, 25, 50, 75, 90, 95, 99)
PARTS = (8, 4, 2, 1)  # of the corpus, one in so many
REALS = (("city_a_tickets.csv", "department"), ("message_board_sample.csv", "topic"))


def main() -> int:
    settings = load_settings()
    catalogue = load_catalogue(settings.training_data / "catalogue")
    files = sorted((settings.training_data / "complaints").glob("*.csv"))
    examples = load_examples(files, catalogue)
    ours = [e.text for e in examples]
    report: dict[str, object] = {
        "texts": len(ours),
        "batches": len(files),
        "by_department": dict(Counter(e.department for e in examples).most_common()),
        "least_texts_of_an_item": min(Counter(e.item for e in examples if e.item).values()),
        "urgency": dict(Counter(e.urgency for e in examples)),
        "kind": dict(Counter(e.kind for e in examples)),
        "with_spans": {what: sum(bool(getattr(e, what)) for e in examples) for what in ("place", "time", "phone")},
        "near_duplicates": len(near_duplicates(examples)),
        "shipped": shape(ours),
    }
    for name, label in REALS:
        if (REAL / name).is_file():
            real = [text for text, _ in pairs(REAL / name, label)]
            report[name] = shape(real) | {
                "vocabulary_shared": shared(ours, real),
                "told_apart_auc": told_apart(ours, real),
                "texts_sharing_20_characters": copies(ours, real),
            }
        else:
            print(f"{REAL / name}: not here; the shipped texts are not compared with it", file=sys.stderr)
    report["learning_curve"] = curve = learning_curve(examples, settings.training_data)
    (ROOT / "docs" / "dataset.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    docs = ROOT / "docs"
    pictures.learning_curve(curve, docs / "learning_curve.svg")
    lengths = {"shipped": [len(t) for t in ours]} | {
        name.removesuffix(".csv"): [len(t) for t, _ in pairs(REAL / name, label)]
        for name, label in REALS
        if (REAL / name).is_file()
    }
    pictures.lengths(lengths, docs / "dataset_lengths.svg")
    pictures.by_department(examples, docs / "dataset_departments.svg")
    pictures.by_item(examples, docs / "dataset_items.svg")
    print(json.dumps(report, ensure_ascii=False, indent=1))
    return 0


def shape(texts: Sequence[str]) -> dict[str, object]:
    """Lengths in characters, and different 2- and 3-grams in each 1,000 characters of texts put together."""
    lengths = np.percentile([len(t) for t in texts], PERCENTILES)
    order = np.random.default_rng(13).permutation(len(texts))
    whole = "\n".join(normalise(texts[i]) for i in order)
    pieces = [whole[i : i + 1000] for i in range(0, min(len(whole), 200_000) - 999, 1000)]
    return {
        "length_percentiles": dict(zip(map(str, PERCENTILES), map(int, lengths), strict=True)),
        "distinct_per_1000": {
            str(n): round(float(np.mean([len({p[i : i + n] for i in range(len(p) - n + 1)}) for p in pieces])), 1)
            for n in (2, 3)
        },
    }


def shared(ours: Sequence[str], real: Sequence[str]) -> float:
    """Share of the real texts' 2-gram occurrences that occur in ours too."""
    known = {t[i : i + 2] for t in map(normalise, ours) for i in range(len(t) - 1)}
    seen = Counter(t[i : i + 2] for t in map(normalise, real) for i in range(len(t) - 1))
    return round(sum(n for gram, n in seen.items() if gram in known) / sum(seen.values()), 4)


def told_apart(ours: Sequence[str], real: Sequence[str], most: int = 2000) -> float:
    """How well a plain classifier tells ours from real ones (area under the ROC curve; 0.5: not at all)."""
    rng = np.random.default_rng(13)
    size = min(most, len(ours), len(real))
    texts = [pool[i] for pool in (ours, real) for i in rng.choice(len(pool), size, replace=False)]
    y = np.repeat([0, 1], size)
    x = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2).fit_transform(texts)
    p = cross_val_predict(LogisticRegression(C=10, max_iter=500), x, y, cv=5, method="predict_proba")[:, 1]
    return round(float(roc_auc_score(y, p)), 4)


def copies(ours: Sequence[str], real: Sequence[str], length: int = 20) -> int:
    runs = {t[i : i + length] for t in map(normalise, real) for i in range(len(t) - length + 1)}
    return sum(any(t[i : i + length] in runs for i in range(len(t) - length + 1)) for t in map(normalise, ours))


def learning_curve(examples: Sequence[Example], data: Path) -> list[dict[str, object]]:
    """The frozen test part and real texts, after learning from an eighth, a quarter, half and all of the shipped texts."""
    city = City.load(data)
    encoder = bench_encoder()
    judges = load_examples(sorted((data / "held_out").glob("test*.csv")), city.catalogue)
    order = np.random.default_rng(13).permutation(len(examples))
    points: list[dict[str, object]] = []
    for part in PARTS:
        learnt = [examples[i] for i in order[: len(order) // part]]
        reader = Reader(train(learnt, encoder, city.catalogue, cues=city.cues), encoder, city)
        figures = evaluate(reader, judges)["department"]
        point: dict[str, object] = {"texts": len(learnt), "test": figures["accuracy"], "test_top3": figures["top3"]}
        for (name, label), owners in zip(REALS, (CITY_A, MESSAGE_BOARD), strict=True):
            if (REAL / name).is_file():
                rows = [(t, owners[g]) for t, g in pairs(REAL / name, label)[::4] if g in owners]
                readings = list(reader.read_many(t for t, _ in rows))
                right = [r.department in codes for r, (_, codes) in zip(readings, rows, strict=True)]
                point[name.removesuffix(".csv")] = round(float(np.mean(right)), 4)
        points.append(point)
        print(point, file=sys.stderr)
    return points


if __name__ == "__main__":
    sys.exit(main())

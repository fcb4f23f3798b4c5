"""Labels that are likely wrong: what a model that has not seen a text says of it, against what people said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nlu.errors import DataMalformed
from nlu.evidence import evidence
from nlu.reader import NONE
from nlu.training.dataset import Example
from nlu.training.pipeline import Learnt


@dataclass(frozen=True)
class Doubt:
    """``given`` is what the file says, ``suggested`` what the model would say with ``chance`` (0..1). ``quality`` (0..1) is low where the
    label fits worse than those of its kind usually do; ``words`` of the text speak for the suggestion."""

    example: Example
    head: str
    given: str
    suggested: str
    chance: float
    quality: float
    words: tuple[str, ...]


def doubtful(learnt: Learnt, head: str, share: float) -> list[Doubt]:
    """The ``share`` (0..1) of texts whose label of ``head`` fits least, worst first; only those for which another label fits better.

    Ranked by cleanlab's normalised margin, adjusted for how sure the model is of each class on the whole (Northcutt et al. 2021).
    Raises :class:`DataMalformed` when cleanlab is not installed or the texts carry no such label.
    """
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        raise DataMalformed("the audit needs cleanlab; install it with `.venv/bin/pip install cleanlab`") from None
    if head not in learnt.fitted:
        raise DataMalformed(f"the texts carry no '{head}' to judge; they have {', '.join(learnt.fitted)}")
    fitted, ngrams = learnt.fitted[head], learnt.model.ngrams
    rows = fitted.rows
    labels, p = fitted.head.labels, fitted.held_out.astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)
    present = np.unique(fitted.answers)
    adjust = len(present) == len(labels)  # a class that only descriptions name has no texts to be compared with
    quality = get_label_quality_scores(fitted.answers, p, method="normalized_margin", adjust_pred_probs=adjust)
    found = []
    for i in np.argsort(quality, kind="stable")[: int(round(share * len(rows)))]:
        given, best = int(fitted.answers[i]), int(p[i].argmax())
        if given == best:
            continue
        example = learnt.examples[rows[i]]
        spans = evidence(example.text, ngrams.transform([example.text]), ngrams, fitted.head, best)
        found.append(
            Doubt(
                example,
                head,
                "" if labels[given] == NONE else labels[given],
                "" if labels[best] == NONE else labels[best],
                round(float(p[i, best]), 4),
                round(float(quality[i]), 4),
                tuple(example.text[s.start : s.end] for s in spans),
            )
        )
    return found

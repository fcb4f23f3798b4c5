"""How urgent a text is: hazard cues written by people and a model trained on frightened and on calm texts, together.

Cues find known dangers and name them; the model finds dangers no cue names and holds back cues that are meant as idiom.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nlu.catalogue import Catalogue
from nlu.checking import Checker, load_list
from nlu.errors import DataMalformed
from nlu.reading import Span, Urgency, UrgencyReading
from nlu.text import normalise


@dataclass(frozen=True)
class Cues:
    """Patterns by hazard, and the patterns that take a cue back (idiom, past, question, drill)."""

    dangers: dict[str, re.Pattern[str]]
    doubts: re.Pattern[str]

    def match(self, text: str) -> tuple[str, Span] | None:
        """The hazard whose cue stands first, with the stretch; None when there is none."""
        flat = normalise(text)
        hits = [(m.start(), code, m) for code, pattern in self.dangers.items() if (m := pattern.search(flat))]
        if not hits:
            return None
        _, code, found = min(hits, key=lambda h: h[0])
        return code, Span(found.start(), found.end(), text[found.start() : found.end()])

    def doubtful(self, text: str) -> bool:
        return bool(self.doubts.search(normalise(text)))


def load_cues(path: Path, catalogue: Catalogue) -> Cues:
    """Reads ``hazard_cues.yml``: entries ``code`` and ``cues`` (regular expressions); the code ``doubt`` takes back."""
    check = Checker()
    seen: dict[str, str] = {}
    patterns: dict[str, re.Pattern[str]] = {}
    for where, entry in load_list(path, check.faults):
        if not check.entry(where, entry, {"code", "cues"}, set(), seen):
            continue
        code = entry["code"]
        if code != "doubt" and code not in catalogue.hazards:
            check.fault(where, f"unknown hazard '{code}'")
            continue
        try:
            patterns[code] = re.compile("|".join(f"(?:{cue})" for cue in entry["cues"]))
        except re.error as error:
            check.fault(where, f"cue of '{code}' is no regular expression: {error}")
    check.finish()
    if not patterns:
        raise DataMalformed(f"{path}: no cues")
    doubts = patterns.pop("doubt", re.compile(r"(?!)"))
    return Cues(patterns, doubts)


@dataclass(frozen=True)
class Alarm:
    """When a text raises an alarm: a logistic weighing of what the model and the cues say, fitted to texts the model had not seen.

    ``weights`` go with :func:`signs`; from the chance ``threshold`` (0..1) on it is an alarm. The values here serve a model that was
    trained on too few dangers to fit its own.
    """

    weights: tuple[float, ...] = (1.0, 1.5, -0.5, -2.0, 0.0, 0.0)
    bias: float = 0.0
    threshold: float = 0.4

    def chance(self, signs: Sequence[float]) -> float:
        """0..1 that the text is critical."""
        total = self.bias + sum(w * s for w, s in zip(self.weights, signs, strict=True))
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def signs(text: str, critical: float, asks_help: float, cues: Cues) -> tuple[float, ...]:
    """What speaks for and against danger: the model's chance as log-odds, a cue, a reason for doubt, a cue in doubt, the length (a danger
    told in passing makes a small chance), and log-odds that the writer asks for help."""
    cue, doubt = cues.match(text) is not None, cues.doubtful(text)
    odds = (math.log(p / (1.0 - p)) for p in (min(max(q, 1e-4), 1.0 - 1e-4) for q in (critical, asks_help)))
    log_critical, log_help = odds
    return log_critical, float(cue), float(doubt), float(cue and doubt), math.log1p(len(text)), log_help


def judge(
    text: str,
    chances: dict[str, float],
    hazards: dict[str, float],
    asks_help: float,
    cues: Cues,
    catalogue: Catalogue,
    alarm: Alarm,
    reason: Span | None,
) -> UrgencyReading:
    """Puts cue and model together.

    ``chances`` are the model's probabilities of the three levels, ``hazards`` of the dangers given one, ``asks_help`` that the writer
    asks for help; ``reason`` is the stretch that spoke most for danger, used where no cue stands.
    """
    found = cues.match(text)
    if chances:
        chance = alarm.chance(signs(text, chances.get("critical", 0.0), asks_help, cues))
        danger = "critical" in chances and chance >= alarm.threshold
    else:  # nothing was learnt of urgency: the cues alone
        danger = found is not None and not cues.doubtful(text)
        chance = float(danger)
    if danger:
        hazard = found[0] if found else max(hazards, key=lambda h: hazards[h], default=None)
        entry = catalogue.hazards.get(hazard or "")
        reasons = (found[1],) if found else ((reason,) if reason else ())
        return UrgencyReading("critical", hazard, entry.advice if entry else None, reasons, round(chance, 4))
    level: Urgency = "urgent" if chances.get("urgent", 0.0) >= chances.get("normal", 1.0) else "normal"
    reasons = (reason,) if reason and level == "urgent" else ()
    return UrgencyReading(level, None, None, reasons, chances.get(level, 1.0))

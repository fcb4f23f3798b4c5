"""How urgent a text is: hazard cues written by people and a model trained on frightened and on calm texts, together.

Cues find known dangers and name them; the model finds dangers no cue names and holds back cues that are meant as idiom.
"""

from __future__ import annotations

import re
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
class UrgencyThresholds:
    """Chances of ``critical`` (0..1) from which an alarm is raised: without a cue, with a cue, and in a text that
    gives reason to doubt (``with_doubtful_cue``, which holds whether or not a cue stands in it)."""

    alone: float = 0.5
    with_cue: float = 0.08
    with_doubtful_cue: float = 0.6


def judge(
    text: str,
    chances: dict[str, float],
    hazards: dict[str, float],
    cues: Cues,
    catalogue: Catalogue,
    thresholds: UrgencyThresholds,
    reason: Span | None,
) -> UrgencyReading:
    """Puts cue and model together.

    ``chances`` are the model's probabilities of the three levels, ``hazards`` of the dangers given one;
    ``reason`` is the stretch that spoke most for danger, used where no cue stands.
    """
    critical = chances.get("critical", 0.0)
    found = cues.match(text)
    doubtful = cues.doubtful(text)
    needed = thresholds.with_doubtful_cue if doubtful else thresholds.with_cue if found else thresholds.alone
    if critical >= needed or (found and not doubtful and not chances):
        hazard = found[0] if found else max(hazards, key=lambda h: hazards[h], default=None)
        entry = catalogue.hazards.get(hazard or "")
        reasons = (found[1],) if found else ((reason,) if reason else ())
        return UrgencyReading("critical", hazard, entry.advice if entry else None, reasons, max(critical, needed))
    level: Urgency = "urgent" if chances.get("urgent", 0.0) >= chances.get("normal", 1.0) else "normal"
    reasons = (reason,) if reason and level == "urgent" else ()
    return UrgencyReading(level, None, None, reasons, chances.get(level, 1.0))

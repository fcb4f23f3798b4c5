"""What reading a text yields: frozen results with one JSON form, shared by command line, API and console."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Decision = Literal["auto", "review"]
Urgency = Literal["critical", "urgent", "normal"]

KINDS = {
    "consult": "咨询",
    "help": "求助",
    "complaint": "投诉",
    "report": "举报",
    "suggestion": "建议",
    "praise": "表扬",
    "other": "其他",
}
URGENCIES: dict[Urgency, str] = {"critical": "特急", "urgent": "紧急", "normal": "一般"}


@dataclass(frozen=True)
class Kind:
    """What the resident wants; ``label`` is a key of :data:`KINDS`, ``confidence`` a calibrated probability."""

    label: str
    confidence: float


@dataclass(frozen=True)
class Choice:
    """A department or item with its calibrated probability; the probabilities of all choices sum to 1."""

    code: str
    name: str
    confidence: float


@dataclass(frozen=True)
class Span:
    """A stretch of the text as written: ``text[start:end]``, character offsets."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Evidence:
    """A stretch that speaks for the first department; ``weight`` is its share (0..1) of the words' support."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class UrgencyReading:
    """``hazard`` is a code of ``hazards.yml`` when ``level`` is critical and the danger has a name, else None."""

    level: Urgency
    hazard: str | None
    advice: str | None
    reasons: tuple[Span, ...]
    confidence: float


@dataclass(frozen=True)
class Place:
    """Where it happened. Codes are those of ``places/``; None where the text does not settle them."""

    text: str
    start: int
    end: int
    district: str | None
    district_name: str | None
    subdistrict: str | None
    subdistrict_name: str | None


@dataclass(frozen=True)
class When:
    """When it happened, in the resident's words; ``text`` is the stretch, nothing is guessed from it."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """All that one look at a text tells. ``departments`` and ``items`` hold up to three, best first.

    ``decision`` is ``auto`` only where held-out data kept the promised precision; ``candidates`` are the
    department codes that hold the right one at the promised rate (a conformal set, never empty for a model
    with departments). For an empty text every list is empty, the kind is ``other`` and the decision ``review``.
    """

    text: str
    kind: Kind
    departments: tuple[Choice, ...]
    items: tuple[Choice, ...]
    decision: Decision
    candidates: tuple[str, ...]
    urgency: UrgencyReading
    place: Place | None
    time: When | None
    phone: str | None
    evidence: tuple[Evidence, ...]
    model: str

    @property
    def department(self) -> str | None:
        return self.departments[0].code if self.departments else None

    @property
    def item(self) -> str | None:
        return self.items[0].code if self.items else None

    def to_dict(self) -> dict[str, Any]:
        """The contract of ``minyi read`` and ``POST /api/v1/read``, ready for JSON."""
        return asdict(self)

"""A complaint being taken down: what is known, what is still to ask, and how it is read back.

Pure. Rasa keeps the draft as a slot (plain JSON), so it survives restarts.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bot.actions.spoken_places import spoken_place
from bot.wording import say
from nlu.catalogue import OUT_OF_SCOPE, Catalogue
from nlu.reader import Reader
from nlu.reading import KINDS, Decision, Reading
from nlu.text import mask, mask_phone, normalise

MOST_TEXT = 4000
_KEYS = uuid.UUID("2f0c1a52-6d1e-4c5e-9c0e-6b7a1d3f8e21")  # ours; with it a draft's key follows from its message
_ONLY_PHONE = {"consult", "suggestion", "praise"}  # nothing has to be found or inspected for these


@dataclass(frozen=True)
class Draft:
    """``details`` holds what is known by detail code, "" for what the resident left out; ``asked`` is the open question
    ("" at the confirmation), ``tries`` how often it was asked, ``seen`` the message that was worked in last, ``hinted`` whether
    the resident has just been told how to answer, so that the question need not follow."""

    key: str
    text: str
    kind: str
    department: str
    item: str | None
    urgency: str
    hazard: str | None
    decision: Decision
    details: dict[str, str] = field(default_factory=dict)
    place: dict[str, Any] | None = None
    asked: str = ""
    tries: int = 0
    seen: str = ""
    hinted: bool = False
    human: bool = False
    later: str = ""  # another matter told before this one was filed; offered afterwards

    def to_slot(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_slot(cls, value: dict[str, Any] | None) -> Draft | None:
        return cls(**value) if value else None


def open_draft(
    reader: Reader,
    text: str,
    message_id: str,
    conversation: str,
    *,
    human: bool = False,
    hazard: bool = False,
    details: dict[str, str] | None = None,
    place: dict[str, Any] | None = None,
) -> Draft:
    """A new draft from what the resident wrote; everything the text already says is taken. ``details`` and ``place`` are known before.

    Its key comes from the message: one that is worked through again after a crash must not yield a second ticket.
    """
    draft = Draft(
        uuid.uuid5(_KEYS, f"{conversation}|{message_id}").hex,
        "",
        "help",
        reader.city.catalogue.fallback,
        None,
        "normal",
        None,
        "review",
        seen=message_id,
        human=human,
    )
    draft = replace(draft, details=dict(details or {}), place=place)
    if text:
        draft = take_in(draft, reader.read(text[:MOST_TEXT]), reader.city.catalogue)
    if hazard:
        draft = replace(draft, urgency="critical")
    return ask_next(draft, reader.city.catalogue)


def take_in(draft: Draft, reading: Reading, catalogue: Catalogue) -> Draft:
    """The draft with ``reading`` of its whole text; details already given are kept."""
    details = dict(draft.details)
    place = draft.place
    if reading.place and not details.get("place"):
        place = asdict(reading.place)
        if reading.place.district:
            details["place"] = spoken_place(reading.text, reading.place)
    if reading.time and not details.get("time"):
        details["time"] = reading.time.text
    if reading.phone and not details.get("phone"):
        details["phone"] = reading.phone
    for code in _wanted(reading.item, catalogue):
        detail = catalogue.details[code]
        if not details.get(code) and (said := detail.find(reading.text)) is not None:
            details[code] = "" if detail.enough else said  # a long text says it; the text itself is kept anyway
    levels = ("normal", "urgent", "critical")
    urgency = max(draft.urgency, reading.urgency.level, key=levels.index)
    return replace(
        draft,
        text=reading.text,
        kind=reading.kind.label,
        department=reading.department or catalogue.fallback,
        item=reading.item,
        urgency=urgency,
        hazard=reading.urgency.hazard or draft.hazard,
        decision=reading.decision,
        details=details,
        place=place,
    )


def shown_place(draft: Draft) -> str:
    """The place with its district and subdistrict, as far as they are settled and not said already."""
    said, place = draft.details.get("place", ""), draft.place or {}
    known = [place.get("district_name") or "", place.get("subdistrict_name") or ""]
    flat = normalise(said)
    area = "".join(name for name in known if name and name.removesuffix("街道").removesuffix("区") not in flat)
    return f"{said}（{area}）" if area and said else said


def _wanted(item: str | None, catalogue: Catalogue) -> tuple[str, ...]:
    return catalogue.items[item].details if item in catalogue.items else ("place", "time", "phone")


def needed(draft: Draft, catalogue: Catalogue) -> list[str]:
    """Detail codes the draft still lacks, in the order asked."""
    wanted = ("phone",) if draft.human or draft.kind in _ONLY_PHONE else _wanted(draft.item, catalogue)
    if draft.urgency == "critical":  # in a danger only what helps to get there
        wanted = ("place", "phone")
    return [code for code in wanted if code in catalogue.details and code not in draft.details]


def ask_next(draft: Draft, catalogue: Catalogue) -> Draft:
    missing = needed(draft, catalogue)
    return replace(draft, asked=missing[0] if missing else "", tries=0, hinted=False)


def question(draft: Draft, catalogue: Catalogue) -> str:
    """How the open detail is asked."""
    if draft.asked == "text":
        return say("ask_text")
    if draft.asked == "place" and (said := (draft.place or {}).get("text")) and not (draft.place or {}).get("district"):
        return say("ask_district", place=said)
    return catalogue.question(draft.item, draft.asked)


def read_back(draft: Draft, catalogue: Catalogue) -> str:
    """The summary a resident confirms; the phone is masked."""
    text = mask(draft.text if len(draft.text) <= 120 else draft.text[:118] + "……")
    lines = [f"内容：{text or say('human_text')}"]
    if draft.item:
        lines.append(f"事项：{catalogue.item_name(draft.item)}（{KINDS.get(draft.kind, draft.kind)}）")
    if draft.department != OUT_OF_SCOPE:
        lines.append(f"拟转：{catalogue.department_name(draft.department)}")
    for code, value in draft.details.items():
        if value and code in catalogue.details:
            shown = mask_phone(value) if code == "phone" else shown_place(draft) if code == "place" else value
            lines.append(f"{catalogue.details[code].name}：{shown}")
    return say("confirm", lines="\n".join(lines))

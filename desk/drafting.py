"""From a reading to a draft: what the resident or a client said wins, the rest is what the text tells."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from desk.filing import Draft
from nlu.catalogue import Catalogue
from nlu.reading import Place, Reading

LAST_RESORT = "unassigned"  # owner where a model with labels of its own read nothing; an agent always looks at it


def draft_of(
    reading: Reading,
    catalogue: Catalogue,
    *,
    key: str,
    channel: str,
    sender: str,
    text: str | None = None,
    department: str | None = None,
    item: str | None = None,
    urgency: str | None = None,
    kind: str | None = None,
    place: dict[str, Any] | None = None,
    time: str | None = None,
    phone: str | None = None,
    details: dict[str, str] | None = None,
) -> Draft:
    """A draft of ``reading``. A named owner, or an item that implies one, is a decision and needs no agent.

    The item of the reading is taken only when it belongs to the owner. ``text`` is what the resident wrote in all when
    that is more than what was read.
    """
    named = department or (catalogue.items[item].department if item in catalogue.items else None)
    owner = named or reading.department
    if owner is None:
        owner = next((d.code for d in catalogue.departments.values() if d.fallback), LAST_RESORT)
    if item is None:
        fitting = (
            c.code for c in reading.items if c.code in catalogue.items and catalogue.items[c.code].department == owner
        )
        item = next(fitting, None)
    helpers = catalogue.items[item].co_departments if item in catalogue.items else ()
    where = place or place_of(reading.place)
    assigned = catalogue.assign(owner, item, where, settled=department is not None)
    owner = assigned.department
    level = urgency or reading.urgency.level
    return Draft(
        key=key,
        channel=channel,
        sender=sender,
        text=reading.text if text is None else text,
        kind=kind or reading.kind.label,
        department=owner,
        unit=assigned.unit,
        co_departments=tuple(code for code in helpers if code != owner),
        item=item,
        urgency=level,
        hazard=reading.urgency.hazard if level == "critical" else None,
        place=where,
        time=time or (reading.time.text if reading.time else None),
        phone=phone or reading.phone,
        details=details or {},
        reading=reading.to_dict(),
        decision="auto" if named else reading.decision,
        reply_hours=catalogue.items[item].reply_hours if item in catalogue.items else None,
    )


def place_of(place: Place | None) -> dict[str, Any] | None:
    """A place as tickets keep it: without offsets."""
    if place is None:
        return None
    return {key: value for key, value in asdict(place).items() if key not in ("start", "end")}

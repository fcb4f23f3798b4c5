"""Filing: from a draft to a ticket, once and only once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.clock import now
from desk.config import DeskConfig
from desk.deadlines import deadlines
from desk.errors import LabelUnknown
from desk.numbers import new_number
from desk.tables import Ticket, TicketEvent
from nlu.catalogue import OUT_OF_SCOPE
from nlu.reading import KINDS, URGENCIES, Decision

SYSTEM = "minyi"  # who acts when no person does
RANK: dict[str, int] = {urgency: rank for rank, urgency in enumerate(URGENCIES)}


@dataclass(frozen=True)
class Draft:
    """A complete complaint. ``key`` is what makes filing it twice harmless; ``reading`` is ``Reading.to_dict()``.

    ``place`` is ``{"text", "district", "district_name", "subdistrict", "subdistrict_name"}``; ``time`` is in the
    resident's words; ``details`` are answers by detail code.
    """

    key: str
    channel: str
    sender: str
    text: str
    kind: str
    department: str
    urgency: str
    decision: Decision
    unit: str | None = None  # the office that receives it first
    co_departments: tuple[str, ...] = ()
    item: str | None = None
    hazard: str | None = None
    place: dict[str, Any] | None = None
    time: str | None = None
    phone: str | None = None
    details: dict[str, str] = field(default_factory=dict)
    reading: dict[str, Any] = field(default_factory=dict)
    reply_hours: float | None = None  # the item's own time for an answer


def file_ticket(session: Session, draft: Draft, config: DeskConfig) -> Ticket:
    """The ticket of this draft: a new one, or the one filed before under the same key.

    ``auto`` goes to its department at once, except a critical one and one the hotline may not handle: an agent looks at
    these first, no machine turns a resident away. The ticket survives a crash as soon as the session has committed.

    Raises :class:`LabelUnknown` for an unknown kind or urgency.
    """
    check_codes(kind=draft.kind, urgency=draft.urgency)
    if known := by_key(session, draft.key):
        return known
    for _ in range(50):
        ticket = _ticket(draft, config)
        try:
            with session.begin_nested():
                session.add(ticket)
        except IntegrityError:  # the number is taken, or another process was faster with the same key
            if known := by_key(session, draft.key):
                return known
            continue
        return ticket
    raise RuntimeError(f"no free ticket number found for {ticket.number[:8]}")


def by_key(session: Session, key: str) -> Ticket | None:
    """The ticket filed under an idempotency key, or None."""
    return session.scalar(select(Ticket).where(Ticket.key == key))


def check_codes(*, kind: str | None = None, urgency: str | None = None) -> None:
    """Raises :class:`LabelUnknown` for a kind or urgency that does not exist; None is not looked at."""
    for what, code, known in (("kind", kind, set(KINDS)), ("urgency", urgency, set(URGENCIES))):
        if code is not None and code not in known:
            raise LabelUnknown(f"{what} '{code}' is unknown; known: {', '.join(sorted(known))}")


def _ticket(draft: Draft, config: DeskConfig) -> Ticket:
    moment = now()
    due = deadlines(moment, draft.urgency, config, draft.reply_hours)
    routed = draft.decision == "auto" and draft.urgency != "critical" and draft.department != OUT_OF_SCOPE
    ticket = Ticket(
        number=new_number(moment),
        key=draft.key,
        state="routed" if routed else "pending",
        channel=draft.channel,
        sender=draft.sender,
        text=draft.text,
        kind=draft.kind,
        department=draft.department,
        unit=draft.unit or None,
        co_departments=list(draft.co_departments),
        item=draft.item,
        urgency=draft.urgency,
        urgency_rank=RANK[draft.urgency],
        hazard=draft.hazard,
        place=draft.place,
        time=draft.time,
        phone=draft.phone,
        details=dict(draft.details),
        reading=draft.reading,
        decision=draft.decision,
        urged=0,
        reopened=0,
        created_at=moment,
        updated_at=moment,
        dispatch_due=due.dispatch,
        contact_due=due.contact,
        reply_due=due.reply,
        routed_at=moment if routed else None,
    )
    ticket.events.append(TicketEvent(at=moment, who=SYSTEM, what="file", before=None, after="pending"))
    if routed:
        ticket.events.append(
            TicketEvent(at=moment, who=SYSTEM, what="route", before="pending", after="routed", note=draft.department)
        )
    return ticket

"""Finding tickets: by number, by filter newest first, and in the order agents work on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from desk.clock import now
from desk.numbers import tidy
from desk.states import OPEN
from desk.tables import Ticket

HOLD = timedelta(minutes=5)  # how long an open page keeps a ticket from being handed to another agent


def find_ticket(session: Session, number: str) -> Ticket | None:
    """The ticket of that number, written in whatever way people write it; None when there is none."""
    tidied = tidy(number)
    return session.scalar(select(Ticket).where(Ticket.number == tidied)) if tidied else None


def list_tickets(
    session: Session,
    *,
    sender: str | None = None,
    state: str | Sequence[str] | None = None,
    urgency: str | None = None,
    department: str | None = None,
    query: str | None = None,
    channel: str | None = None,
    limit: int = 50,
    before: str | None = None,
) -> list[Ticket]:
    """Newest first, at most ``limit``; ``before`` is the number of the last ticket of the page before.

    ``query`` is looked for in text, place, phone and number. An unknown ``before`` yields an empty list.
    """
    found = _filtered(select(Ticket), sender, state, urgency, department, query, channel)
    if before is not None:
        found = found.where(
            Ticket.id < select(Ticket.id).where(Ticket.number == (tidy(before) or "")).scalar_subquery()
        )
    return list(session.scalars(found.order_by(Ticket.id.desc()).limit(limit)))


def queue(
    session: Session,
    *,
    state: str | Sequence[str] | None = OPEN,
    urgency: str | None = None,
    department: str | None = None,
    query: str | None = None,
    overdue: bool = False,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[Ticket], int]:
    """A page of the agents' list and how many match in all: by urgency, then by dispatch deadline."""
    found = _filtered(select(Ticket), None, state, urgency, department, query, None)
    if overdue:
        found = found.where(is_overdue(now()))
    total = session.scalar(found.with_only_columns(func.count())) or 0
    order = (Ticket.urgency_rank, Ticket.dispatch_due, Ticket.id)
    return list(session.scalars(found.order_by(*order).offset(offset).limit(limit))), total


def next_pending(session: Session, agent: str, *, after: Ticket | None = None) -> Ticket | None:
    """What ``agent`` should look at next: the most pressing ticket that waits and that no other agent has open.

    With ``after`` the ones before it in the queue are skipped, and the search starts over at the end.
    """
    free = or_(Ticket.held_by.is_(None), Ticket.held_by == agent, Ticket.held_at < now() - HOLD)
    waiting = select(Ticket).where(Ticket.state == "pending", free)
    order = (Ticket.urgency_rank, Ticket.dispatch_due, Ticket.id)
    if after is not None:
        later = or_(
            Ticket.urgency_rank > after.urgency_rank,
            and_(Ticket.urgency_rank == after.urgency_rank, Ticket.dispatch_due > after.dispatch_due),
            and_(
                Ticket.urgency_rank == after.urgency_rank,
                Ticket.dispatch_due == after.dispatch_due,
                Ticket.id > after.id,
            ),
        )
        found = session.scalar(waiting.where(Ticket.id != after.id, later).order_by(*order).limit(1))
        if found is not None:
            return found
        waiting = waiting.where(Ticket.id != after.id)
    return session.scalar(waiting.order_by(*order).limit(1))


def counts(session: Session) -> dict[str, Any]:
    """``{"states": {state: n}, "pending": {urgency: n}, "overdue": n}``."""
    states = session.execute(select(Ticket.state, func.count()).group_by(Ticket.state)).all()
    waiting = select(Ticket.urgency, func.count()).where(Ticket.state == "pending").group_by(Ticket.urgency)
    pending = session.execute(waiting).all()
    late = session.scalar(select(func.count()).select_from(Ticket).where(is_overdue(now()))) or 0
    return {"states": {s: n for s, n in states}, "pending": {u: n for u, n in pending}, "overdue": late}  # noqa: C416


def is_overdue(moment: datetime) -> Any:
    """The condition: not dispatched by its deadline, or not answered by its deadline."""
    return or_(
        and_(Ticket.state == "pending", Ticket.dispatch_due < moment),
        and_(Ticket.state.in_(OPEN), Ticket.reply_due < moment),
    )


def _filtered(
    found: Select[tuple[Ticket]],
    sender: str | None,
    state: str | Sequence[str] | None,
    urgency: str | None,
    department: str | None,
    query: str | None,
    channel: str | None,
) -> Select[tuple[Ticket]]:
    if sender is not None:
        found = found.where(Ticket.sender == sender)
    if channel is not None:
        found = found.where(Ticket.channel == channel)
    if state is not None:
        found = found.where(Ticket.state.in_([state] if isinstance(state, str) else list(state)))
    if urgency is not None:
        found = found.where(Ticket.urgency == urgency)
    if department is not None:
        found = found.where(Ticket.department == department)
    words = (query or "").strip()
    if words:
        number = tidy(words)
        found = found.where(
            Ticket.number == number
            if number
            else or_(
                Ticket.text.icontains(words, autoescape=True),
                Ticket.number.icontains(words, autoescape=True),
                Ticket.phone.contains(words, autoescape=True),
                Ticket.place["text"].as_string().icontains(words, autoescape=True),
            )
        )
    return found

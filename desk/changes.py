"""What happens to a ticket after it is filed. Every change is one line of its history.

Each function takes the ticket as the caller saw it, also one loaded in an earlier session, and returns the changed one.
All raise :class:`MoveForbidden` where the state does not allow it and :class:`TicketChanged` where somebody was faster.
``seen`` is the version a person looked at when deciding; without it the version of ``ticket`` counts, except for what
residents do (append, urge, rate, withdraw): that holds whatever others changed. ``cause`` is the id of the resident's message
that asks for a change: the same message asking again, after a crash, changes nothing.
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk import labels
from desk.clock import now
from desk.config import DeskConfig
from desk.deadlines import deadlines
from desk.errors import LabelUnknown, MoveForbidden, TicketChanged, TicketUnknown
from desk.filing import RANK, check_codes
from desk.states import after
from desk.tables import Ticket, TicketEvent
from nlu.catalogue import OUT_OF_SCOPE, Catalogue, Ground


def append_text(
    session: Session, ticket: Ticket, text: str, who: str, *, cause: str | None = None, seen: int | None = None
) -> Ticket:
    """The resident adds something: it goes below what was written, and into the history."""
    if known := _repeated(session, ticket, "append", cause):
        return known
    ticket = _open(session, ticket, "append", seen, strict=False)
    ticket.text = f"{ticket.text}\n{text}"
    return _done(session, ticket, who, "append", note=text, cause=cause)


def urge(session: Session, ticket: Ticket, who: str, *, cause: str | None = None, seen: int | None = None) -> Ticket:
    """催办: counted and written down; deadlines stay."""
    if known := _repeated(session, ticket, "urge", cause):
        return known
    ticket = _open(session, ticket, "urge", seen, strict=False)
    ticket.urged += 1
    return _done(session, ticket, who, "urge", note=f"第{ticket.urged}次催办", cause=cause)


def withdraw(
    session: Session,
    ticket: Ticket,
    who: str,
    *,
    note: str | None = None,
    cause: str | None = None,
    seen: int | None = None,
) -> Ticket:
    """The resident takes it back."""
    if known := _repeated(session, ticket, "withdraw", cause):
        return known
    ticket = _open(session, ticket, "withdraw", seen, strict=False)
    return _move(session, ticket, "withdraw", who, note, cause=cause)


def accept(
    session: Session,
    ticket: Ticket,
    who: str,
    *,
    note: str | None = None,
    seen: int | None = None,
    catalogue: Catalogue | None = None,
) -> Ticket:
    """An agent agrees with the suggestion: the ticket goes to its department and the suggestion becomes a label.

    Where the suggestion is that the hotline may not handle it, it is rejected; the ground in ``catalogue`` is the answer.
    """
    ticket = _open(session, ticket, "accept", seen)
    labels.confirm(session, ticket, who)
    if ticket.department == OUT_OF_SCOPE:
        _refuse(ticket, catalogue.refusal(ticket.item) if catalogue else None)
        return _move(session, ticket, "reject", who, note)
    ticket.routed_at = now()
    return _move(session, ticket, "accept", who, note)


def correct(
    session: Session,
    ticket: Ticket,
    who: str,
    *,
    department: str | None = None,
    item: str | None = None,
    urgency: str | None = None,
    kind: str | None = None,
    note: str | None = None,
    seen: int | None = None,
    config: DeskConfig | None = None,
    catalogue: Catalogue | None = None,
    ground: Ground | None = None,
) -> Ticket:
    """An agent decides: the ticket goes to that department; what was said becomes labels. None leaves a field as it is.

    What the hotline may not handle (department ``out_of_scope``) is rejected; ``ground``, or that of the item, is the answer.

    Another department without an item takes the item away: it belonged to the former one; so does ``item=""``.
    With ``catalogue`` codes are
    checked and an item alone brings its department along. Raises :class:`LabelUnknown` for unknown codes, and when
    nothing is given at all. ``config`` serves the deadlines, which follow urgency and item (the standard hours when not given).
    """
    check_codes(kind=kind, urgency=urgency)
    if catalogue is not None:
        for code, known in ((department, catalogue.departments), (item, catalogue.items)):
            if code and code not in known:
                raise LabelUnknown(f"目录中没有“{code}”，请从列表中选择部门和事项")
        if item and department is None:
            department = catalogue.items[item].department
    said = {"department": department, "item": item, "urgency": urgency, "kind": kind}
    said = {field: code for field, code in said.items() if code is not None}
    if not said:
        raise LabelUnknown("请至少选择部门、事项、紧急程度或类型中的一项")
    ticket = _open(session, ticket, "correct", seen)
    before = {field: getattr(ticket, field) for field in labels.FIELDS}
    state, moved = ticket.state, said.get("department", ticket.department) != ticket.department
    target: str = after("correct", state, ticket.number)
    judged: dict[str, str | None] = dict(said)
    if item == "" or (moved and item is None):
        judged["item"] = None
    labels.judge(session, ticket, who, judged)
    for field, code in judged.items():
        setattr(ticket, field, code)
    if catalogue is not None and item:
        ticket.co_departments = [c for c in catalogue.items[item].co_departments if c != ticket.department]
    elif ticket.department in ticket.co_departments:
        ticket.co_departments = [c for c in ticket.co_departments if c != ticket.department]
    if urgency is not None and urgency != before["urgency"]:
        ticket.urgency_rank = RANK[urgency]
        ticket.hazard = ticket.hazard if urgency == "critical" else None
    if (ticket.urgency, ticket.item) != (before["urgency"], before["item"]):
        own = catalogue.items[ticket.item].reply_hours if catalogue and ticket.item in catalogue.items else None
        due = deadlines(ticket.created_at, ticket.urgency, config or DeskConfig(), own)
        ticket.dispatch_due, ticket.contact_due, ticket.reply_due = due.dispatch, due.contact, due.reply
    if catalogue is not None:
        ticket.unit = catalogue.assign(ticket.department, ticket.item, ticket.place, settled=True).unit or None
    if ticket.department == OUT_OF_SCOPE:
        _refuse(ticket, ground or (catalogue.refusal(ticket.item) if catalogue else None))
        target = after("reject", state, ticket.number)
    elif state == "pending" or moved:
        ticket.routed_at = now()
    else:
        target = state  # the department works on: only the particulars changed
    for field in labels.FIELDS:
        if getattr(ticket, field) != before[field]:
            _record(ticket, who, f"set_{field}", before[field], getattr(ticket, field))
    ticket.state = target
    return _done(session, ticket, who, "correct", before=state, after_=target, note=note)


def start(session: Session, ticket: Ticket, who: str, *, note: str | None = None, seen: int | None = None) -> Ticket:
    """The department begins to work on it."""
    return _move(session, ticket, "start", who, note, seen)


def reply(session: Session, ticket: Ticket, who: str, answer: str, *, seen: int | None = None) -> Ticket:
    """The department answers the resident with ``answer``."""
    if not answer.strip():
        raise MoveForbidden("答复内容不能为空")
    ticket = _open(session, ticket, "reply", seen)
    ticket.answer, ticket.replied_at = answer.strip(), now()
    return _move(session, ticket, "reply", who, answer.strip())


def close(session: Session, ticket: Ticket, who: str, *, note: str | None = None, seen: int | None = None) -> Ticket:
    return _move(session, ticket, "close", who, note, seen)


def reopen(
    session: Session,
    ticket: Ticket,
    who: str,
    *,
    note: str | None = None,
    seen: int | None = None,
    config: DeskConfig | None = None,
) -> Ticket:
    """Back to work: counted, and the time for an answer starts again."""
    ticket = _open(session, ticket, "reopen", seen)
    ticket.reopened += 1
    ticket.rating = None
    due = deadlines(now(), ticket.urgency, config or DeskConfig())
    ticket.contact_due, ticket.reply_due = due.contact, due.reply
    if ticket.state == "rejected":
        ticket.answer = None  # it was the ground of the refusal
        ticket.dispatch_due = due.dispatch
    return _move(session, ticket, "reopen", who, note)


def reject(
    session: Session,
    ticket: Ticket,
    who: str,
    *,
    note: str | None = None,
    seen: int | None = None,
    ground: Ground | None = None,
) -> Ticket:
    """不予受理: the city does not handle this; ``note`` tells the desk why, ``ground`` the resident and where to turn."""
    ticket = _open(session, ticket, "reject", seen)
    _refuse(ticket, ground)
    return _move(session, ticket, "reject", who, note)


def _refuse(ticket: Ticket, ground: Ground | None) -> None:
    if ground is not None:
        ticket.answer, ticket.replied_at = ground.say, now()


def rate(
    session: Session, ticket: Ticket, who: str, rating: int, *, note: str | None = None, seen: int | None = None
) -> Ticket:
    """The resident's judgement, 1 (very dissatisfied) to 5; may be changed, each time on record."""
    if rating not in range(1, 6):
        raise MoveForbidden("请给出1到5分的评价")
    ticket = _open(session, ticket, "rate", seen, strict=False)
    before, ticket.rating = ticket.rating, rating
    return _done(session, ticket, who, "rate", None if before is None else str(before), str(rating), note)


def phone_shown(session: Session, ticket: Ticket, who: str) -> Ticket:
    """Writes down that ``who`` looked at the whole phone number."""
    ticket = _current(session, ticket)
    session.add(TicketEvent(ticket_id=ticket.id, who=who, what="show_phone"))
    return ticket


def hold(session: Session, ticket: Ticket, who: str) -> None:
    """Marks the ticket as open before ``who``; no change of the ticket itself, so no conflict with other agents."""
    session.execute(update(Ticket).where(Ticket.id == ticket.id).values(held_by=who, held_at=now()))


def release(session: Session, who: str) -> None:
    """Hands back everything ``who`` has open."""
    session.execute(update(Ticket).where(Ticket.held_by == who).values(held_by=None, held_at=None))


def _current(session: Session, ticket: Ticket) -> Ticket:
    """The row of this session; the caller's own object when it belongs to it."""
    if ticket in session:
        return ticket
    found = session.scalar(select(Ticket).where(Ticket.number == ticket.number))
    if found is None:
        raise TicketUnknown(f"没有找到工单 {ticket.number}")
    return found


def _repeated(session: Session, ticket: Ticket, what: str, cause: str | None) -> Ticket | None:
    """The ticket as it is when the message ``cause`` has brought this about before. Waits for whoever changes the ticket now."""
    if cause is None:
        return None
    current = _current(session, ticket)
    session.flush()
    session.refresh(current, with_for_update=True)
    before = select(TicketEvent.id).where(
        TicketEvent.ticket_id == current.id, TicketEvent.what == what, TicketEvent.cause == cause
    )
    return current if session.scalar(before) is not None else None


def _open(session: Session, ticket: Ticket, move: str, seen: int | None = None, *, strict: bool = True) -> Ticket:
    """The ticket, ready for ``move``. What a resident adds (not ``strict``) does not clash with what others did."""
    current = _current(session, ticket)
    if not strict:
        session.flush()
        session.refresh(current, with_for_update=True)  # two of them at once: the second waits instead of failing
    elif seen is None:
        seen = ticket.version
    if seen is not None and current.version != seen:
        raise _faster(current)
    after(move, current.state, current.number)
    return current


def _move(
    session: Session,
    ticket: Ticket,
    move: str,
    who: str,
    note: str | None,
    seen: int | None = None,
    cause: str | None = None,
) -> Ticket:
    ticket = _open(session, ticket, move, seen)
    before, ticket.state = ticket.state, after(move, ticket.state, ticket.number)
    return _done(session, ticket, who, move, before, ticket.state, note, cause)


def _done(
    session: Session,
    ticket: Ticket,
    who: str,
    what: str,
    before: str | None = None,
    after_: str | None = None,
    note: str | None = None,
    cause: str | None = None,
) -> Ticket:
    ticket.updated_at = now()
    _record(ticket, who, what, before, after_, note, cause)
    session.flush()
    return ticket


def _record(
    ticket: Ticket,
    who: str,
    what: str,
    before: str | None,
    after_: str | None,
    note: str | None = None,
    cause: str | None = None,
) -> None:
    line = TicketEvent(at=now(), who=who, what=what, before=before, after=after_, note=note or None, cause=cause)
    ticket.events.append(line)


def _faster(ticket: Ticket) -> TicketChanged:
    last = ticket.events[-1] if ticket.events else None
    by = f"（{last.who}）" if last else ""
    return TicketChanged(f"工单 {ticket.number} 刚刚被他人修改{by}，请刷新后再操作")

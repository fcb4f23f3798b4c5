"""The page of one ticket and what an agent does there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from desk import changes
from desk.clock import now
from desk.console import words
from desk.console.door import Poster, Visit, Visitor, catalogue_of, config_of, database_of
from desk.console.pages import flash_of, go, page, told
from desk.console.view import TicketView
from desk.errors import DatabaseUnusable, DeskError, TicketUnknown
from desk.finding import HOLD, find_ticket
from desk.inbox import conversation
from desk.tables import Message, Ticket
from nlu.catalogue import OUT_OF_SCOPE, Catalogue

Version = Annotated[int, Form()]
Note = Annotated[str, Form(max_length=2000)]
Change = Callable[[Session, Ticket], Ticket]
_MESSAGES = 40


def add_to(router: APIRouter) -> None:
    router.get("/tickets/{number}")(show)
    for move in (accept, correct, reject, start, reply, close, reopen):
        router.post(f"/tickets/{{number}}/{move.__name__}")(move)
    router.post("/tickets/{number}/phone")(phone)


def show(request: Request, visit: Visitor, number: str) -> Response:
    return told(_page(request, visit, number, flash_of(request)))


def accept(request: Request, visit: Poster, number: str, version: Version, note: Note = "") -> Response:
    return _decide(
        request,
        visit,
        number,
        lambda s, t: changes.accept(s, t, visit.name, note=note.strip(), seen=version, catalogue=catalogue_of(request)),
    )


def correct(
    request: Request,
    visit: Poster,
    number: str,
    version: Version,
    department: Annotated[str, Form(max_length=64)] = "",
    item: Annotated[str, Form(max_length=64)] = "",
    urgency: Annotated[str, Form(max_length=20)] = "",
    kind: Annotated[str, Form(max_length=20)] = "",
    note: Note = "",
) -> Response:
    catalogue, config = catalogue_of(request), config_of(request)

    def change(session: Session, ticket: Ticket) -> Ticket:
        # a code that a model with labels of its own gave is kept although the catalogue does not list it
        known = catalogue if _listed(ticket, department, item, catalogue) else None
        return changes.correct(
            session, ticket, visit.name, department=department or None, item=item, urgency=urgency or None,
            kind=kind or None, note=note.strip(), seen=version, config=config, catalogue=known,
        )  # fmt: skip

    return _decide(request, visit, number, change)


def reject(
    request: Request,
    visit: Poster,
    number: str,
    version: Version,
    note: Note = "",
    ground: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """不予受理. Where the catalogue has a code for it, the judgement is a label to learn from; the ground is what the resident is told."""
    catalogue = catalogue_of(request)
    known = catalogue.grounds.get(ground)

    def change(session: Session, ticket: Ticket) -> Ticket:
        why = "：".join(part for part in (known.name if known else "", note.strip()) if part)
        owned = known is None or known.items  # a ground without items, such as no matter at all, is none to learn from
        if OUT_OF_SCOPE in catalogue.departments and owned:
            item = known.items[0] if known and len(known.items) == 1 else None
            return changes.correct(
                session, ticket, visit.name, department=OUT_OF_SCOPE, item=item, note=why, seen=version,
                catalogue=catalogue, ground=known,
            )  # fmt: skip
        return changes.reject(session, ticket, visit.name, note=why, seen=version, ground=known)

    return _decide(request, visit, number, change)


def start(request: Request, visit: Poster, number: str, version: Version) -> Response:
    return _stay(request, visit, number, lambda s, t: changes.start(s, t, visit.name, seen=version))


def reply(
    request: Request, visit: Poster, number: str, version: Version, answer: Annotated[str, Form(max_length=5000)] = ""
) -> Response:
    return _stay(request, visit, number, lambda s, t: changes.reply(s, t, visit.name, answer, seen=version))


def close(request: Request, visit: Poster, number: str, version: Version, note: Note = "") -> Response:
    return _stay(request, visit, number, lambda s, t: changes.close(s, t, visit.name, note=note.strip(), seen=version))


def reopen(request: Request, visit: Poster, number: str, version: Version, note: Note = "") -> Response:
    config = config_of(request)

    def change(session: Session, ticket: Ticket) -> Ticket:
        return changes.reopen(session, ticket, visit.name, note=note.strip(), seen=version, config=config)

    return _stay(request, visit, number, change)


def phone(request: Request, visit: Poster, number: str) -> Response:
    """What the page hides, by what it shows instead; that it was asked for is written into the history."""
    catalogue = catalogue_of(request)
    with database_of(request).session() as session:
        ticket = _found(session, number)
        hidden = TicketView(ticket, _messages(session, ticket), catalogue).secrets.originals
        changes.phone_shown(session, ticket, visit.name)
    return JSONResponse({"hidden": hidden})


def _page(request: Request, visit: Visit, number: str, flash: str, fault: str = "", status: int = 200) -> Response:
    catalogue = catalogue_of(request)
    with database_of(request).session() as session:
        ticket = _found(session, number)
        held = ticket.held_at is not None and ticket.held_at > now() - HOLD
        other = ticket.held_by if held and ticket.held_by != visit.name else None
        if ticket.state == "pending" and other is None:
            changes.release(session, visit.name)
            changes.hold(session, ticket, visit.name)
        view = TicketView(ticket, _messages(session, ticket), catalogue)
    return page(
        "ticket.html", status, visit=visit, flash=flash, fault=fault, view=view, ticket=ticket, catalogue=catalogue,
        busy=other if ticket.state == "pending" else None,
    )  # fmt: skip


def _decide(request: Request, visit: Visit, number: str, change: Change) -> Response:
    """A decision on the route: then at once the next ticket that waits."""
    done = _changed(request, visit, number, change)
    if isinstance(done, Response):
        return done
    name = catalogue_of(request).department_name(done.department)
    said = f"{done.number} {words.STATES[done.state]}" + (f"：{name}" if done.state == "routed" else "")
    return go("/desk/next", said, secure=config_of(request).cookie_secure)


def _stay(request: Request, visit: Visit, number: str, change: Change) -> Response:
    done = _changed(request, visit, number, change)
    if isinstance(done, Response):
        return done
    said = f"状态已改为“{words.STATES[done.state]}”"
    return go(f"/desk/tickets/{done.number}", said, secure=config_of(request).cookie_secure)


def _changed(request: Request, visit: Visit, number: str, change: Change) -> Ticket | Response:
    """The changed ticket, or its page with what went wrong."""
    try:
        with database_of(request).session() as session:
            return change(session, _found(session, number))
    except (TicketUnknown, DatabaseUnusable):
        raise
    except DeskError as error:
        return _page(request, visit, number, "", str(error), 409)


def _found(session: Session, number: str) -> Ticket:
    ticket = find_ticket(session, number)
    if ticket is None:
        raise TicketUnknown(f"没有找到工单 {number[:40]}")
    return ticket


def _messages(session: Session, ticket: Ticket) -> list[Message]:
    return conversation(session, ticket.channel, ticket.sender, _MESSAGES)


def _listed(ticket: Ticket, department: str, item: str, catalogue: Catalogue) -> bool:
    own = {ticket.department, ticket.item or "", ""}
    foreign = (department not in catalogue.departments, item not in catalogue.items)
    return not any(missing and code in own and code for missing, code in zip(foreign, (department, item), strict=True))

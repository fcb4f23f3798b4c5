"""The list of tickets, its counts, and the way to the next ticket."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from desk.console.door import Visitor, catalogue_of, config_of, database_of
from desk.console.pages import flash_of, go, page, told
from desk.console.pieces import Secrets
from desk.finding import counts, find_ticket, next_pending, queue
from desk.states import NAMES, OPEN
from nlu.reading import URGENCIES

PAGE = 50


def add_to(router: APIRouter) -> None:
    router.get("")(index)
    router.get("/")(index)
    router.get("/counts")(count)
    router.get("/next")(following)


def index(
    request: Request,
    visit: Visitor,
    state: str = "open",
    urgency: str = "",
    department: str = "",
    q: Annotated[str, Query(max_length=200)] = "",
    overdue: str = "",
    p: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """``state`` is one of the states, ``open`` for all that somebody must still work on, ``all`` for any."""
    catalogue = catalogue_of(request)
    states = OPEN if state not in NAMES else state
    with database_of(request).session(only_reads=True) as session:
        # a search looks everywhere: who types a number wants that ticket, open or not
        everywhere = state == "all" or (q.strip() != "" and state == "open")
        found, total = queue(
            session, state=None if everywhere else states, urgency=urgency if urgency in URGENCIES else None,
            department=department or None, query=q, overdue=bool(overdue), limit=PAGE, offset=(p - 1) * PAGE,
        )  # fmt: skip
        numbers = counts(session)
    given = {"state": state, "urgency": urgency, "department": department, "q": q, "overdue": overdue}
    given = {key: value for key, value in given.items() if value and (key, value) != ("state", "open")}
    return told(
        page(
            "list.html", visit=visit, flash=flash_of(request), tickets=found, total=total, counts=_flat(numbers),
            given=given, state=state, urgency=urgency, department=department, q=q, overdue=overdue, p=p,
            catalogue=catalogue, secrets=Secrets().starred,
            pages=max(1, -(-total // PAGE)), link=lambda number: "/desk?" + urlencode(given | {"p": str(number)}),
        )
    )  # fmt: skip


def count(request: Request, visit: Visitor) -> Response:
    """The numbers above the list, for its refresh."""
    with database_of(request).session(only_reads=True) as session:
        return JSONResponse(_flat(counts(session)))


def following(request: Request, visit: Visitor, after: str = "") -> Response:
    """Opens the next ticket that waits; with ``after`` the one behind that ticket."""
    with database_of(request).session(only_reads=True) as session:
        here = find_ticket(session, after) if after else None
        found = next_pending(session, visit.name, after=here)
    secure = config_of(request).cookie_secure
    if found is None:
        return go("/desk", flash_of(request) or "没有其他待分拨的工单了", secure=secure)
    return go(f"/desk/tickets/{found.number}")


def _flat(numbers: dict[str, Any]) -> dict[str, int]:
    states, pending = numbers["states"], numbers["pending"]
    return {
        "pending": states.get("pending", 0),
        "critical": pending.get("critical", 0),
        "urgent": pending.get("urgent", 0),
        "routed": states.get("routed", 0),
        "in_progress": states.get("in_progress", 0),
        "overdue": numbers["overdue"],
    }

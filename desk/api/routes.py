"""The routes. The app that includes them sets ``app.state.reader``, ``.database``, ``.desk`` and ``.api_token``."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Query, Request, Response, Security
from fastapi.security import HTTPBearer

from desk.api.door import ApiRoute, Refused, unavailable
from desk.api.models import ErrorOut, PlaceIn, ReadingOut, TextIn, TicketIn, TicketOut, TicketsOut, TicketWithHistory
from desk.config import DeskConfig
from desk.database import Database
from desk.drafting import draft_of, place_of
from desk.errors import TicketUnknown
from desk.states import NAMES
from desk.tickets import by_key, file_ticket, find_ticket, list_tickets, to_api
from nlu.reader import Reader
from nlu.reading import URGENCIES, Reading

_bearer = HTTPBearer(auto_error=False, description="the value of MINYI_API_TOKEN")  # documents; ApiRoute checks
_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorOut, "description": "no token, or a wrong one"},
    413: {"model": ErrorOut, "description": "the body is too large"},
    422: {"model": ErrorOut, "description": "the request is malformed; the message says where"},
    503: {"model": ErrorOut, "description": "not ready yet; try again after Retry-After seconds"},
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorOut, "description": "no such ticket"}}
_LONGEST_KEY = 200


def api_router() -> APIRouter:
    """The routes under ``/api/v1``, ready to be included in an app."""
    api = APIRouter(
        prefix="/api/v1", tags=["tickets"], route_class=ApiRoute, responses=_ERRORS, dependencies=[Security(_bearer)]
    )
    api.post("/read", response_model=ReadingOut, tags=["reading"], summary="What a text tells")(read)
    api.post("/tickets", response_model=TicketOut, status_code=201, summary="File a ticket")(file)
    api.get("/tickets", response_model=TicketsOut, summary="Tickets, newest first")(index)
    api.get("/tickets/{number}", response_model=TicketWithHistory, responses=_NOT_FOUND, summary="One ticket")(show)
    return api


async def read(request: Request, body: TextIn) -> dict[str, Any]:
    """Kind, department, item, urgency, place, time and phone of a text, with the words that speak for it."""
    return (await _read(request, body.text)).to_dict()


async def file(
    request: Request,
    response: Response,
    body: TicketIn,
    idempotency_key: Annotated[str | None, Header(max_length=_LONGEST_KEY)] = None,
) -> dict[str, Any]:
    """Files a ticket. Sent again under the same key it answers with the first ticket and files nothing."""
    given = (idempotency_key or body.key or "").strip()
    # a prefix of its own: a client's key can never meet the key of a message from a channel
    key = f"api:{given or uuid.uuid4().hex}"
    found = await run_sync(_filed, request, key) if given else None
    if found is None:
        reader = _reader(request)
        _check_codes(reader, body)
        reading = await _read(request, body.text)
        found = await run_sync(partial(_file, request, reader, reading, body, key))
    response.headers["Location"] = f"/api/v1/tickets/{found['number']}"
    return found


def index(
    request: Request,
    sender: str | None = None,
    channel: str | None = None,
    state: Annotated[str | None, Query(description=", ".join(NAMES))] = None,
    department: str | None = None,
    urgency: Annotated[str | None, Query(description=", ".join(URGENCIES))] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(description="`next` of the page before")] = None,
) -> dict[str, Any]:
    """Tickets that match all that is given; an empty parameter counts as not given."""
    _one_of("state", state, NAMES)
    _one_of("urgency", urgency, URGENCIES)
    with _database(request).session(only_reads=True) as session:
        found = list_tickets(
            session, sender=sender or None, channel=channel or None, state=state or None, department=department or None,
            urgency=urgency or None, limit=limit + 1, before=before or None,
        )  # fmt: skip
        page = found[:limit]
        return {
            "tickets": [to_api(ticket, whole_phone=True) for ticket in page],
            "next": page[-1].number if len(found) > limit else None,
        }


def show(request: Request, number: str) -> dict[str, Any]:
    """A ticket with its history. Case, blanks and full-width characters in the number do not matter."""
    with _database(request).session(only_reads=True) as session:
        ticket = find_ticket(session, number)
        if ticket is None:
            raise TicketUnknown("没有这个工单，请核对工单号，例如 MY261124-483920")
        return to_api(ticket, whole_phone=True, history=True)


async def _read(request: Request, text: str) -> Reading:
    reader = _reader(request)
    state = request.app.state
    if getattr(state, "reading_limit", None) is None:
        # more threads than cores would only slow each other down
        state.reading_limit = anyio.CapacityLimiter(os.cpu_count() or 1)
    return await run_sync(reader.read, text, limiter=state.reading_limit)


def _filed(request: Request, key: str) -> dict[str, Any] | None:
    with _database(request).session(only_reads=True) as session:
        ticket = by_key(session, key)
        return to_api(ticket, whole_phone=True) if ticket else None


def _file(request: Request, reader: Reader, reading: Reading, body: TicketIn, key: str) -> dict[str, Any]:
    place: dict[str, Any] | None = None
    if isinstance(body.place, PlaceIn):
        place = body.place.model_dump()
    elif body.place is not None:
        known = place_of(reader.city.places.find(body.place)) or dict.fromkeys(list(PlaceIn.model_fields))
        place = {**known, "text": body.place}
    draft = draft_of(
        reading, reader.city.catalogue, key=key, channel=body.channel, sender=body.sender, department=body.department,
        item=body.item, urgency=body.urgency, kind=body.kind, place=place, time=body.time, phone=body.phone,
        details=body.details,
    )  # fmt: skip
    config: DeskConfig = getattr(request.app.state, "desk", None) or DeskConfig()
    with _database(request).session() as session:
        return to_api(file_ticket(session, draft, config), whole_phone=True)


def _check_codes(reader: Reader, body: TicketIn) -> None:
    """A model with labels of its own knows its labels, any other one the catalogue."""
    catalogue, heads = reader.city.catalogue, reader.model.heads
    known: dict[str, set[str]] = {"department": set(catalogue.departments), "item": set(catalogue.items)}
    for what, codes in known.items():
        if reader.own_labels and what in heads:
            codes |= set(heads[what].labels)
        code = getattr(body, what)
        if code is not None and code not in codes:
            raise Refused(422, "invalid", f"{what}：目录中没有“{code}”，请使用目录中的代码，或留空由系统判断")


def _one_of(what: str, value: str | None, known: Iterable[str]) -> None:
    if value and value not in known:
        raise Refused(422, "invalid", f"{what}：没有“{value}”，可用 {'、'.join(known)}")


def _reader(request: Request) -> Reader:
    reader: Reader | None = getattr(request.app.state, "reader", None)
    if reader is None:
        raise unavailable("模型正在加载")
    return reader


def _database(request: Request) -> Database:
    database: Database | None = getattr(request.app.state, "database", None)
    if database is None:
        raise unavailable("数据库尚未就绪")
    return database

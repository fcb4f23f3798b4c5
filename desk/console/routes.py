"""All rooms of the console under one router."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.staticfiles import StaticFiles

from desk.console import entrance, overview, workbench
from desk.console.door import ConsoleRoute
from desk.console.pages import HERE


def console_router() -> APIRouter:
    """The pages under ``/desk``. The app sets ``app.state.reader``, ``.database`` and ``.desk``."""
    router = APIRouter(prefix="/desk", route_class=ConsoleRoute, include_in_schema=False)
    for room in (entrance, overview, workbench):
        room.add_to(router)
    return router


def console_static() -> StaticFiles:
    """Style and script, to be mounted at ``/desk/static``."""
    return StaticFiles(directory=HERE / "static")

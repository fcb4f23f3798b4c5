"""What every request of the console passes: login, CSRF token, size, and the headers that guard its pages."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from desk.config import DeskConfig
from desk.console.pages import page
from desk.database import Database
from desk.errors import DatabaseUnusable, DeskError, TicketUnknown
from desk.http import TooLarge, limited
from desk.logins import whose
from nlu.catalogue import Catalogue

COOKIE = "minyi_desk"
HEADERS = {
    # scripts, styles and forms of our own only; nothing inline, no framing
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class LoginNeeded(Exception):
    """Nobody is logged in, or no longer."""


class Unready(Exception):
    """The model is not loaded yet."""


@dataclass(frozen=True)
class Visit:
    """Who is logged in; ``csrf`` is what their forms must carry, ``token`` their cookie."""

    name: str
    role: str
    csrf: str
    token: str


class ConsoleRoute(APIRoute):
    """Adds the headers, sends the logged-out to the login page, and shows faults as a page in Chinese."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await handle(Request(request.scope, limited(request)))
            except LoginNeeded:
                response = _to_login(request)
            except TooLarge:
                response = _fault(request, 413, "内容太长", "提交的内容超过上限，请缩短后重试。")
            except TicketUnknown as error:
                response = _fault(request, 404, "没有找到", f"{error}。请核对工单号。")
            except DatabaseUnusable:
                response = _fault(request, 503, "数据库暂不可用", "请稍后重试；如果一直如此，请联系管理员。")
            except DeskError as error:
                response = _fault(request, 409, "没有执行", str(error))
            except Unready:
                response = _fault(request, 503, "正在启动", "模型正在加载，请稍后刷新。")
            except RequestValidationError:
                response = _fault(request, 422, "没有执行", "提交的内容不完整，请返回重试。")
            except HTTPException as error:
                large = isinstance(error.__cause__, TooLarge)  # found out while the form was read
                told = "提交的内容超过上限，请缩短后重试。" if large else str(error.detail)
                response = _fault(request, 413 if large else error.status_code, "没有执行", told)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return guarded


def visitor(request: Request) -> Visit:
    """Who is logged in; raises :class:`LoginNeeded`."""
    token = request.cookies.get(COOKIE, "")
    if token:
        with database_of(request).session(only_reads=True) as session:
            login = whose(session, token)
            if login is not None:
                return Visit(login.user.name, login.user.role, login.csrf, token)
    raise LoginNeeded


Visitor = Annotated[Visit, Depends(visitor)]


def poster(visit: Visitor, csrf: Annotated[str, Form()] = "") -> Visit:
    """Who sends a form; raises 403 for a form that our pages did not make."""
    if not hmac.compare_digest(csrf.encode(), visit.csrf.encode()):
        raise HTTPException(403, "页面已过期，请刷新后再操作")
    return visit


Poster = Annotated[Visit, Depends(poster)]


def database_of(request: Request) -> Database:
    database: Database | None = getattr(request.app.state, "database", None)
    if database is None:
        raise Unready
    return database


def config_of(request: Request) -> DeskConfig:
    return getattr(request.app.state, "desk", None) or DeskConfig()


def catalogue_of(request: Request) -> Catalogue:
    reader = getattr(request.app.state, "reader", None)
    if reader is None:
        raise Unready
    catalogue: Catalogue = reader.city.catalogue
    return catalogue


def local(address: str) -> str:
    """Where to go after the login: a page of the console, whatever else was asked for."""
    inside = address == "/desk" or address.startswith(("/desk/", "/desk?"))
    return address if inside and "\\" not in address and address.isprintable() and ".." not in address else "/desk"


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _to_login(request: Request) -> Response:
    if _wants_json(request):
        return JSONResponse({"error": {"code": "unauthorized", "message": "登录已过期，请重新登录"}}, 401)
    # what was posted is lost, its page is not
    path = request.url.path if request.method == "GET" else request.url.path.rpartition("/")[0]
    query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
    return RedirectResponse(f"/desk/login?next={quote(path + query, safe='')}", 303)


def _fault(request: Request, status: int, title: str, message: str) -> Response:
    if _wants_json(request):
        return JSONResponse({"error": {"code": "refused", "message": message}}, status)
    return page("fault.html", status, title=title, message=message, visit=None, flash="")

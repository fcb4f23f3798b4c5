"""Logging in and out, and changing one's password."""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from desk.console.door import COOKIE, Poster, Visitor, config_of, database_of, local
from desk.console.pages import flash_of, go, page, told
from desk.errors import PersonRefused
from desk.logins import Refused, enter, leave
from desk.people import LONGEST, SHORTEST, find_user, password_fits, set_password

_DOOR = "minyi_door"  # answers the login form's own CSRF token: nobody is logged in yet


def add_to(router: APIRouter) -> None:
    router.get("/login")(login_page)
    router.post("/login")(log_in)
    router.post("/logout")(log_out)
    router.get("/password")(password_page)
    router.post("/password")(change_password)


def login_page(request: Request, next: str = "/desk") -> Response:
    return told(_login_page(request, local(next), flash=flash_of(request)))


def log_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    csrf: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/desk",
) -> Response:
    known = request.cookies.get(_DOOR, "")
    if not known or not hmac.compare_digest(csrf.encode(), known.encode()):
        return _login_page(request, local(next), "页面已过期，请再登录一次", 403, name)
    config = config_of(request)
    with database_of(request).session() as session:
        entered = enter(session, name, password, config.session_hours)
    if isinstance(entered, Refused):
        return _login_page(request, local(next), entered.message, 429 if entered.paused else 401, name)
    response = go(local(next))
    response.set_cookie(
        COOKIE, entered.token, max_age=int(config.session_hours * 3600), path="/desk", httponly=True, samesite="lax",
        secure=config.cookie_secure,
    )  # fmt: skip
    response.delete_cookie(_DOOR, path="/desk/login", httponly=True, samesite="lax")
    return response


def log_out(request: Request, visit: Poster) -> Response:
    with database_of(request).session() as session:
        leave(session, visit.token)
    response = go("/desk/login", "已退出登录", secure=config_of(request).cookie_secure)
    response.delete_cookie(COOKIE, path="/desk", httponly=True, samesite="lax")
    return response


def password_page(visit: Visitor) -> Response:
    return _password_page(visit)


def change_password(
    request: Request,
    visit: Poster,
    old: Annotated[str, Form(max_length=1000)] = "",
    new: Annotated[str, Form(max_length=1000)] = "",
    again: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    if new != again:
        return _password_page(visit, "两次输入的新密码不一致")
    if not SHORTEST <= len(new) <= LONGEST:
        return _password_page(visit, f"新密码需要 {SHORTEST} 至 {LONGEST} 个字符")
    try:
        with database_of(request).session() as session:
            if not password_fits(find_user(session, visit.name), old):
                return _password_page(visit, "原密码不正确")
            set_password(session, visit.name, new)
    except PersonRefused as error:
        return _password_page(visit, str(error))
    response = go("/desk/login", "密码已修改，请用新密码登录", secure=config_of(request).cookie_secure)
    response.delete_cookie(COOKIE, path="/desk", httponly=True, samesite="lax")
    return response


def _login_page(
    request: Request, next: str, message: str = "", status: int = 200, name: str = "", flash: str = ""
) -> Response:
    csrf = request.cookies.get(_DOOR) or secrets.token_urlsafe(24)
    response = page("login.html", status, csrf=csrf, next=next, message=message, name=name, visit=None, flash=flash)
    response.set_cookie(
        _DOOR, csrf, path="/desk/login", httponly=True, samesite="lax", secure=config_of(request).cookie_secure
    )  # fmt: skip
    return response


def _password_page(visit: Visitor, message: str = "") -> Response:
    return page("password.html", 422 if message else 200, visit=visit, message=message, flash="")

"""What every request of the API passes: token, size, and errors in one shape."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import SecretStr
from starlette.exceptions import HTTPException

from desk.errors import DatabaseUnusable, LabelUnknown, MoveForbidden, TicketChanged, TicketUnknown
from desk.http import MAX_BODY, TooLarge, limited
from nlu.errors import MinyiError

_TOO_LARGE = f"请求体不能超过 {MAX_BODY // 1024} KB，请缩短后重试"
_RETRY = {"Retry-After": "5"}
_STATUS: dict[type[MinyiError], tuple[int, str]] = {
    TicketUnknown: (404, "not_found"),
    MoveForbidden: (409, "conflict"),
    TicketChanged: (409, "conflict"),
    LabelUnknown: (422, "invalid"),
    DatabaseUnusable: (503, "unavailable"),
}


class Refused(Exception):
    """A request that is answered with an error; ``code`` is stable, ``message`` tells what to do."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


def unavailable(what: str) -> Refused:
    return Refused(503, "unavailable", f"{what}，请稍后重试", _RETRY)


class ApiRoute(APIRoute):
    """Checks the token before it looks at the body, and turns every fault into ``{"error": {"code", "message"}}``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                _check_token(request)
                return await handle(Request(request.scope, limited(request)))
            except Refused as error:
                return _answer(error.status, error.code, error.message, error.headers)
            except TooLarge:
                return _answer(413, "too_large", _TOO_LARGE)
            except RequestValidationError as error:
                return _answer(422, "invalid", "；".join(_fault(e) for e in error.errors()[:5]))
            except HTTPException as error:
                if isinstance(error.__cause__, TooLarge):  # found out while the body was read
                    return _answer(413, "too_large", _TOO_LARGE)
                return _answer(error.status_code, "invalid", f"请求无法解析：{error.detail}", dict(error.headers or {}))
            except MinyiError as error:
                status, code = _STATUS.get(type(error), (500, "internal"))
                # what stands in a database error is for the operator's log, not for clients
                message = "数据库暂不可用，请稍后重试" if status == 503 else str(error)
                return _answer(status, code, message, _RETRY if status == 503 else None)

        return guarded


def _answer(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def _check_token(request: Request) -> None:
    expected = getattr(request.app.state, "api_token", None)
    if isinstance(expected, SecretStr):
        expected = expected.get_secret_value()
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    known = str(expected or "")
    right = hmac.compare_digest(given.strip().encode(), known.encode())
    if scheme.lower() != "bearer" or not known or not right:
        raise Refused(
            401, "unauthorized", "缺少访问令牌或令牌不正确，请在请求头中加上 Authorization: Bearer <令牌>",
            {"WWW-Authenticate": 'Bearer realm="minyi"'},
        )  # fmt: skip


def _fault(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"] if part not in ("body", "query")) or "请求体"
    limits = error.get("ctx") or {}
    said = {
        "missing": "必填",
        "json_invalid": "不是有效的 JSON",
        "string_type": "应为字符串",
        "string_unicode": "含有无效的字符",
        "string_too_short": "不能为空",
        "string_too_long": f"不能超过 {limits.get('max_length')} 个字符",
        "int_parsing": "应为整数",
        "greater_than_equal": f"不能小于 {limits.get('ge')}",
        "less_than_equal": f"不能大于 {limits.get('le')}",
        "value_error": str(limits.get("error", "")),
        "model_attributes_type": "应为 JSON 对象，并带请求头 Content-Type: application/json",
    }.get(error["type"])
    return f"{where}：{said or error['msg']}"

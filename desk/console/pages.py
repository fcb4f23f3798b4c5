"""Templates to pages. Everything is escaped; a name that a template does not get is an error."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from desk.clock import city_time, iso, now
from desk.console import words

HERE = Path(__file__).parent
_FLASH = "minyi_flash"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {"asset": _asset, "words": words}
    environment.filters |= {
        "moment": lambda moment: f"{city_time(moment):%m-%d %H:%M}",
        "iso": iso,
        "left": lambda due: words.remaining(due, now()),
        "late": lambda due: due < now(),
        "percent": lambda share: f"{share:.0%}",
    }
    return environment


@lru_cache(maxsize=8)
def _asset(name: str) -> str:
    """The address of a static file, with its fingerprint: browsers may keep it until it changes."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:10]
    return f"/desk/static/{name}?{digest}"


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(_environment().get_template(template).render(**values), status)


def go(address: str, flash: str = "", *, secure: bool = False) -> Response:
    """On to another page after a form; ``flash`` is told there once."""
    response = RedirectResponse(address, 303)
    if flash:
        response.set_cookie(
            _FLASH, quote(flash), max_age=60, path="/desk", httponly=True, samesite="lax", secure=secure
        )  # fmt: skip
    return response


def flash_of(request: Request) -> str:
    """What the page before wants to tell."""
    return unquote(request.cookies.get(_FLASH, ""))[:300]


def told(response: Response) -> Response:
    """Forgets the flash that the page shows."""
    response.delete_cookie(_FLASH, path="/desk", httponly=True, samesite="lax")
    return response

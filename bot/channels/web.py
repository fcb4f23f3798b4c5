"""The chat page at ``/``, and the same conversation as JSON for it and for ``minyi chat``."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from itsdangerous import BadSignature, Signer
from pydantic import BaseModel, Field, StringConstraints

from bot.conversation import Conversation
from bot.inbound import Inbound
from bot.wording import say
from desk import inbox

_PAGE = Path(__file__).parent / "page"
_COOKIE = "minyi_chat"
_ID = re.compile(r"[\w-]{8,64}")
_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
DEADLINE = 20.0  # seconds a page waits; later answers are fetched


class Said(BaseModel):
    """What the page sends: ``id`` makes a repeated send the same message."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
    id: str = Field(pattern=r"^[\w-]{8,64}$")


class Web:
    """``secret`` signs the cookie that names a visitor; ``channel`` is "web" for the page."""

    def __init__(self, conversation: Conversation, secret: str, *, cookie_secure: bool = False) -> None:
        self._conversation, self._secure = conversation, cookie_secure
        self._signer = Signer(secret, salt="chat")

    def mount(self) -> StaticFiles:
        """The page's own files, for ``/chat/static``."""
        return StaticFiles(directory=_PAGE)

    def router(self) -> APIRouter:
        router = APIRouter(tags=["chat"])

        @router.get("/", include_in_schema=False)
        async def page(request: Request) -> Response:
            response = FileResponse(_PAGE / "index.html", media_type="text/html; charset=utf-8")
            response.headers["Content-Security-Policy"] = _POLICY
            response.headers["Cache-Control"] = "no-cache"
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "no-referrer"
            if self._visitor(request) is None:
                self._name(response)
            return response

        @router.post("/chat/messages", include_in_schema=False)
        async def send(said: Said, request: Request) -> Response:
            visitor = self._visitor(request)
            if visitor is None:
                visitor = secrets.token_urlsafe(12)
            reply = await self._conversation.handle(
                Inbound("web", visitor, f"{visitor}-{said.id}", said.text), DEADLINE
            )
            response = JSONResponse({**self._shown(reply.texts), "pending": reply.pending})
            self._name(response, visitor)
            return response

        @router.get("/chat/messages", include_in_schema=False)
        async def history(request: Request) -> Response:
            visitor = self._visitor(request)
            if visitor is None:
                return JSONResponse({"messages": [], "late": []})
            late = await self._conversation.late("web", visitor)
            return JSONResponse(
                {"messages": await anyio.to_thread.run_sync(self._history, visitor), "late": list(late)}
            )

        @router.get("/chat/late", include_in_schema=False)
        async def late(request: Request) -> Response:
            visitor = self._visitor(request)
            texts = await self._conversation.late("web", visitor) if visitor else ()
            return JSONResponse(self._shown(texts))

        @router.get("/chat/welcome", include_in_schema=False)
        async def welcome() -> Response:
            return JSONResponse(self._shown([say("welcome_web")]))

        return router

    def _shown(self, texts: Sequence[str]) -> dict[str, list[Any]]:
        """``alarms`` are the positions of replies that say whom to call in a danger; the page shows them as such."""
        return {"replies": list(texts), "alarms": [i for i, t in enumerate(texts) if self._conversation.is_alarm(t)]}

    def _history(self, visitor: str) -> list[dict[str, object]]:
        with self._conversation.database.session() as session:
            rows = inbox.conversation(session, "web", visitor, 50)
            return [
                {"text": row.text, **self._shown(row.reply or []), "at": row.received_at.isoformat()} for row in rows
            ]

    def _visitor(self, request: Request) -> str | None:
        try:
            name = self._signer.unsign(request.cookies.get(_COOKIE, "")).decode()
        except BadSignature:
            return None
        return name if _ID.fullmatch(name) else None

    def _name(self, response: Response, visitor: str | None = None) -> None:
        value = self._signer.sign(visitor or secrets.token_urlsafe(12)).decode()
        response.set_cookie(_COOKIE, value, max_age=180 * 86400, httponly=True, samesite="lax", secure=self._secure)

"""WeChat Official Account, plaintext mode: ``GET /wechat`` proves the address, ``POST /wechat`` brings messages.

Facts of the protocol: WeChat signs each request with SHA-1 over the sorted token, timestamp and nonce; it cuts the connection after
5 seconds and asks again, three times in all, with the same MsgId; an empty body tells it not to ask again.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from bot.channels.parts import Parts, wants_more
from bot.conversation import Conversation
from bot.inbound import Inbound
from bot.wording import say

logger = logging.getLogger(__name__)

MOST_BODY = 64 * 1024  # bytes; WeChat's own messages stay far below
MOST_CHARACTERS = 600  # of one passive reply; about 2 KiB of UTF-8
_DEEPEST = 8  # levels of elements; WeChat's own have at most four
_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Malformed(ValueError):
    """A body that WeChat would not send."""


@dataclass(frozen=True)
class Callback:
    """A decoded body. ``fields`` are the top-level elements, text only."""

    fields: dict[str, str]

    @property
    def sender(self) -> str:
        return self.fields["FromUserName"]

    @property
    def account(self) -> str:
        return self.fields["ToUserName"]

    @property
    def kind(self) -> str:
        return self.fields.get("MsgType", "").lower()

    @property
    def key(self) -> str:
        """What retries share: MsgId for messages, sender and time (and event) for events."""
        if self.fields.get("MsgId"):
            return self.fields["MsgId"]
        return f"{self.sender}-{self.fields.get('CreateTime', '')}-{self.fields.get('Event', '')}"


def signature(token: str, *parts: str) -> str:
    """SHA-1, hex, over the sorted and joined ``token`` and ``parts``."""
    return hashlib.sha1("".join(sorted([token, *parts])).encode(), usedforsecurity=False).hexdigest()


def signed(token: str, given: str, timestamp: str, nonce: str) -> bool:
    return bool(given) and hmac.compare_digest(signature(token, timestamp, nonce).encode(), given.encode())


def parse(body: bytes) -> Callback:
    """Raises :class:`Malformed` for anything that is no WeChat message; entities and DTDs are refused unread."""
    if len(body) > MOST_BODY:
        raise Malformed(f"more than {MOST_BODY} bytes")
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Malformed(f"not readable as XML ({type(error).__name__})") from None
    _not_deep(root)
    fields = {
        child.tag: (child.text or "").strip() if child.tag != "Content" else child.text or ""
        for child in root
        if len(child) == 0
    }
    for name in ("ToUserName", "FromUserName"):
        if not _ID.fullmatch(fields.get(name, "")):
            raise Malformed(f"{name} is missing or no account name")
    if not fields.get("MsgType"):
        raise Malformed("MsgType is missing")
    if not _ID.fullmatch(fields.get("MsgId") or fields.get("CreateTime", "")):
        raise Malformed("neither MsgId nor CreateTime")
    if len(fields.get("Event", "")) > 128:
        raise Malformed("Event is no name")
    return Callback(fields)


def _not_deep(root: Any) -> None:
    level = [root]
    for _ in range(_DEEPEST):
        level = [child for element in level for child in element]
    if level:
        raise Malformed("nested too deeply")


def reply_xml(callback: Callback, text: str) -> bytes:
    """A passive text reply: sender and receiver change places."""
    content = escape(_printable(text))
    return (
        f"<xml><ToUserName>{escape(callback.sender)}</ToUserName><FromUserName>{escape(callback.account)}</FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType>text</MsgType><Content>{content}</Content></xml>"
    ).encode()


def _printable(text: str) -> str:
    return "".join(
        c
        for c in text
        if c in "\n\t" or ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF and ord(c) not in (0xFFFE, 0xFFFF)
    )


class WeChat:
    """``token`` is the one set in the account's server configuration; ``max_skew`` seconds bound a timestamp's age (0: no bound)."""

    def __init__(self, token: str, conversation: Conversation, *, deadline: float = 4.5, max_skew: int = 0) -> None:
        self._token, self._conversation, self._deadline, self._max_skew = token, conversation, deadline, max_skew
        self._parts = Parts(MOST_CHARACTERS)

    def router(self) -> APIRouter:
        router = APIRouter(tags=["wechat"])

        @router.get("/wechat", include_in_schema=False)
        async def prove(request: Request) -> Response:
            if not self._allowed(request):
                return PlainTextResponse("wrong signature", 403)
            return PlainTextResponse(request.query_params.get("echostr", ""))

        @router.post("/wechat", include_in_schema=False)
        async def receive(request: Request) -> Response:
            started = time.monotonic()
            if not self._allowed(request):
                return PlainTextResponse("wrong signature", 403)
            try:
                callback = parse(await _body(request))
            except Malformed as error:
                logger.warning("wechat: refused a body: %s", error)
                return PlainTextResponse(f"malformed: {error}", 400)
            text = await self._answer(callback, self._deadline - (time.monotonic() - started))
            if not text:
                return PlainTextResponse("")
            return Response(reply_xml(callback, text), media_type="application/xml; charset=utf-8")

        return router

    def _allowed(self, request: Request) -> bool:
        q = request.query_params
        timestamp = q.get("timestamp", "")
        if not signed(self._token, q.get("signature", ""), timestamp, q.get("nonce", "")):
            return False
        return not self._max_skew or (
            timestamp.isdecimal() and len(timestamp) < 12 and abs(time.time() - int(timestamp)) <= self._max_skew
        )

    async def _answer(self, callback: Callback, deadline: float) -> str:
        """The text to reply with; "" acknowledges without a word."""
        text = _text(callback)
        if text is None:
            return self._without_text(callback)
        message = Inbound("wechat", callback.sender, callback.key, text)
        if wants_more(text) and (more := self._parts.next(callback.sender, callback.key)) is not None:
            return more
        reply = await self._conversation.handle(message, deadline)
        return self._parts.first(callback.sender, callback.key, "\n".join(reply.texts)) if reply.texts else ""

    @staticmethod
    def _without_text(callback: Callback) -> str:
        if callback.kind == "event":
            return say("welcome") if callback.fields.get("Event", "").lower() == "subscribe" else ""
        return say("voice_not_understood") if callback.kind == "voice" else say("only_text")


def _text(callback: Callback) -> str | None:
    """What the resident said in words, or None for what cannot be read yet."""
    if callback.kind == "text":
        return callback.fields.get("Content", "").strip() or None
    if callback.kind == "voice":  # recognised speech, where the account has it switched on
        return callback.fields.get("Recognition", "").strip() or None
    if callback.kind == "location":
        return callback.fields.get("Label", "").strip() or None
    if callback.kind == "event" and callback.fields.get("Event", "").upper() == "CLICK":
        return callback.fields.get("EventKey", "").strip() or None
    return None


async def _body(request: Request) -> bytes:
    """The body, read no further than needed to refuse it."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 9 or int(declared) > MOST_BODY):
        raise Malformed(f"more than {MOST_BODY} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise Malformed(f"more than {MOST_BODY} bytes")
    return bytes(body)

"""Shared by API and console: bodies of limited size."""

from __future__ import annotations

from fastapi import Request
from starlette.types import Message, Receive

MAX_BODY = 256 * 1024  # bytes; 10000 characters of escaped JSON and room to spare


class TooLarge(Exception):
    """The body of a request is larger than :data:`MAX_BODY`."""


def limited(request: Request) -> Receive:
    """The request's body as it arrives; raises :class:`TooLarge`, at once when the size is announced."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_BODY:
        raise TooLarge
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            raise TooLarge
        return message

    return receive

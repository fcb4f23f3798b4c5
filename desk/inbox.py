"""The inbox of the channels: every message once, with what was answered and whether the answer arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.clock import now
from desk.tables import Message


def receive(session: Session, channel: str, message_id: str, sender: str, text: str) -> tuple[Message, bool]:
    """The message and True when it is new; a message seen before comes back as it stands, with False.

    Of two processes that receive the same message at the same moment exactly one gets True.
    """
    known = select(Message).where(Message.channel == channel, Message.message_id == message_id)
    if found := session.scalar(known):
        return found, False
    message = Message(
        channel=channel,
        message_id=message_id,
        sender=sender,
        text=text,
        received_at=now(),
        state="received",
        delivered=False,
    )
    try:
        with session.begin_nested():
            session.add(message)
    except IntegrityError:
        return session.scalars(known).one(), False
    return message, True


def get(session: Session, id: int) -> Message:
    """The message as it stands."""
    return session.get_one(Message, id)


def answered(session: Session, id: int, reply: Sequence[str], reading: dict[str, Any] | None = None) -> Message:
    """Writes down the answer; it counts as delivered only after :func:`mark_delivered`."""
    message = session.get_one(Message, id)
    message.state, message.reply, message.reading, message.answered_at = "answered", list(reply), reading, now()
    session.flush()
    return message


def failed(session: Session, id: int) -> Message:
    """No answer could be found for it; it is not tried again."""
    message = session.get_one(Message, id)
    message.state, message.answered_at = "failed", now()
    session.flush()
    return message


def unanswered(session: Session, not_before: datetime) -> list[Message]:
    """Messages received since ``not_before`` that still wait for an answer, oldest first."""
    waiting = select(Message).where(Message.state == "received", Message.received_at >= not_before)
    return list(session.scalars(waiting.order_by(Message.id)))


def undelivered(session: Session, channel: str, sender: str) -> list[Message]:
    """Answered messages whose answer has not reached the resident yet, oldest first."""
    waiting = select(Message).where(
        Message.channel == channel, Message.sender == sender, Message.state == "answered", Message.delivered.is_(False)
    )
    return list(session.scalars(waiting.order_by(Message.id)))


def mark_delivered(session: Session, ids: Sequence[int]) -> None:
    if ids:
        session.execute(update(Message).where(Message.id.in_(ids)).values(delivered=True))


def conversation(session: Session, channel: str, sender: str, limit: int = 50) -> list[Message]:
    """The last ``limit`` messages of a resident, oldest first."""
    latest = (
        select(Message)
        .where(Message.channel == channel, Message.sender == sender)
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return list(session.scalars(latest))[::-1]

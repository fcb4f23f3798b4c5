"""The rows the desk keeps. Times are aware UTC; codes are those of the catalogue."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, MetaData, String, UniqueConstraint, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from desk.clock import now
from desk.columns import Moment, Words


class Base(DeclarativeBase):
    # named constraints can be changed by a later migration, on SQLite too
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment, str: Words, dict[str, Any]: JSON, list[str]: JSON}


class Ticket(Base):
    """One matter of one resident. ``key`` makes filing idempotent; ``version`` counts changes."""

    __tablename__ = "tickets"
    __table_args__ = (
        Index("ix_tickets_sender_id", "sender", "id"),
        Index("ix_tickets_queue", "state", "urgency_rank", "dispatch_due"),
        Index("ix_tickets_department_id", "department", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    key: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(40))
    sender: Mapped[str]
    text: Mapped[str]
    kind: Mapped[str] = mapped_column(String(20))
    department: Mapped[str]
    unit: Mapped[str | None]  # the office that receives it first
    co_departments: Mapped[list[str]]
    item: Mapped[str | None]
    urgency: Mapped[str] = mapped_column(String(20))
    urgency_rank: Mapped[int]  # 0 critical, 1 urgent, 2 normal: the order of the queue
    hazard: Mapped[str | None]
    place: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    time: Mapped[str | None]
    phone: Mapped[str | None]
    details: Mapped[dict[str, Any]]
    reading: Mapped[dict[str, Any]]  # Reading.to_dict() as it was when the ticket was filed
    decision: Mapped[str] = mapped_column(String(10))
    answer: Mapped[str | None]  # what the department replied to the resident
    rating: Mapped[int | None]  # 1..5
    urged: Mapped[int] = mapped_column(default=0)
    reopened: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    dispatch_due: Mapped[datetime]
    contact_due: Mapped[datetime]
    reply_due: Mapped[datetime]
    routed_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]
    held_by: Mapped[str | None]  # the agent who has it open, so that two do not work on the same one
    held_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    events: Mapped[list[TicketEvent]] = relationship(back_populates="ticket", order_by="TicketEvent.id")

    __mapper_args__ = {"version_id_col": version}


class TicketEvent(Base):
    """One line of a ticket's history: ``who`` did ``what``; ``before`` and ``after`` are states, codes or None."""

    __tablename__ = "ticket_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(default=now)
    who: Mapped[str]
    what: Mapped[str] = mapped_column(String(20))
    before: Mapped[str | None]
    after: Mapped[str | None]
    note: Mapped[str | None]
    cause: Mapped[str | None]  # id of the resident's message that asked for it

    ticket: Mapped[Ticket] = relationship(back_populates="events")


class Label(Base):
    """An agent's judgement of one field of one ticket. ``before == after`` confirms, ``after`` None takes away;
    ``text`` is masked.
    """

    __tablename__ = "labels"

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(default=now)
    who: Mapped[str]
    text: Mapped[str]
    field: Mapped[str] = mapped_column(String(20))
    before: Mapped[str | None]
    after: Mapped[str | None]

    ticket: Mapped[Ticket] = relationship()


class User(Base):
    """Someone who works at the desk; ``name`` is stored folded (half-width, lower case)."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_login_at: Mapped[datetime | None]


class LoginFailure(Base):
    """Wrong tries for a name, whether or not such a user exists."""

    __tablename__ = "login_failures"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(default=now)
    paused_until: Mapped[datetime | None]


class AgentSession(Base):
    """A login. Only the hash of the cookie is kept; ``csrf`` is the token its forms must carry."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    user: Mapped[User] = relationship()


class Message(Base):
    """One message of a resident and what was answered. ``state``: received, answered, failed."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("channel", "message_id"),
        Index("ix_messages_conversation", "channel", "sender", "id"),
        Index("ix_messages_state_received_at", "state", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    message_id: Mapped[str]
    sender: Mapped[str]
    text: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(default=now)
    state: Mapped[str] = mapped_column(String(20), default="received")
    reply: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    reading: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    answered_at: Mapped[datetime | None]
    delivered: Mapped[bool] = mapped_column(default=False)

"""A ticket as the API gives it."""

from __future__ import annotations

from typing import Any

from desk.clock import iso
from desk.tables import Ticket, TicketEvent
from nlu.text import mask_phone


def to_api(ticket: Ticket, *, whole_phone: bool, history: bool = False) -> dict[str, Any]:
    """JSON of a ticket. ``whole_phone`` is for those who may see it; ``history`` adds what happened, oldest first."""
    phone = ticket.phone
    shape: dict[str, Any] = {
        "number": ticket.number,
        "state": ticket.state,
        "channel": ticket.channel,
        "sender": ticket.sender,
        "text": ticket.text,
        "kind": ticket.kind,
        "department": ticket.department,
        "unit": ticket.unit,
        "co_departments": list(ticket.co_departments),
        "item": ticket.item,
        "urgency": ticket.urgency,
        "hazard": ticket.hazard,
        "place": ticket.place,
        "time": ticket.time,
        "phone": phone if whole_phone or phone is None else mask_phone(phone),
        "details": dict(ticket.details),
        "decision": ticket.decision,
        "answer": ticket.answer,
        "created_at": iso(ticket.created_at),
        "updated_at": iso(ticket.updated_at),
        "deadlines": {
            "dispatch": iso(ticket.dispatch_due),
            "contact": iso(ticket.contact_due),
            "reply": iso(ticket.reply_due),
        },
        "rating": ticket.rating,
        "urged": ticket.urged,
        "reopened": ticket.reopened,
    }
    if history:
        shape["history"] = [event_to_api(event) for event in ticket.events]
    return shape


def event_to_api(event: TicketEvent) -> dict[str, Any]:
    return {
        "at": iso(event.at),
        "who": event.who,
        "what": event.what,
        "from": event.before,
        "to": event.after,
        "note": event.note,
    }

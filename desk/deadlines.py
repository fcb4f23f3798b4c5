"""By when a ticket must be dispatched, its resident contacted, and answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from desk.config import DeskConfig


@dataclass(frozen=True)
class Deadlines:
    """Aware moments."""

    dispatch: datetime
    contact: datetime
    reply: datetime


def deadlines(start: datetime, urgency: str, config: DeskConfig, reply_hours: float | None = None) -> Deadlines:
    """Counted from ``start`` in hours of the clock. ``reply_hours`` are the item's own; what is urgent is never answered later for them."""
    usual = config.reply_hours[urgency]
    own = usual if reply_hours is None else reply_hours if urgency == "normal" else min(usual, reply_hours)
    return Deadlines(
        dispatch=start + timedelta(hours=config.dispatch_hours[urgency]),
        contact=start + timedelta(hours=config.contact_hours),
        reply=start + timedelta(hours=own),
    )

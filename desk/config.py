"""What an operator sets for the desk, handed in as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DeskConfig:
    """Hours run from the filing of a ticket, by urgency; ``session_hours`` is how long an agent stays logged in."""

    dispatch_hours: Mapping[str, float] = field(default_factory=lambda: {"critical": 1, "urgent": 2, "normal": 24})
    reply_hours: Mapping[str, float] = field(default_factory=lambda: {"critical": 2, "urgent": 24, "normal": 168})
    contact_hours: float = 24
    session_hours: float = 12
    cookie_secure: bool = False

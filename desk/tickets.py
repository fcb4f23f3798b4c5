"""Tickets: the front door to filing, finding and changing them."""

from desk.changes import accept, append_text, close, correct, rate, reject, reopen, reply, start, urge, withdraw
from desk.clock import CITY_TIME
from desk.filing import Draft, by_key, file_ticket
from desk.finding import find_ticket, list_tickets
from desk.shape import to_api
from desk.tables import Ticket

__all__ = [
    "CITY_TIME",
    "Draft",
    "Ticket",
    "accept",
    "append_text",
    "by_key",
    "close",
    "correct",
    "file_ticket",
    "find_ticket",
    "list_tickets",
    "rate",
    "reject",
    "reopen",
    "reply",
    "start",
    "to_api",
    "urge",
    "withdraw",
]

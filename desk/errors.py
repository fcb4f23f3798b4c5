"""What can go wrong at the desk: messages for operators in English, for agents and residents in Chinese."""

from __future__ import annotations

from nlu.errors import MinyiError


class DeskError(MinyiError):
    """Base of what the desk refuses."""


class DatabaseUnusable(DeskError):
    """The database cannot be opened, read or written; the message names it, the reason and the remedy."""


class TicketUnknown(DeskError):
    """There is no ticket of that number."""


class MoveForbidden(DeskError):
    """The state of a ticket does not allow what was asked."""


class TicketChanged(DeskError):
    """Somebody else changed the ticket since it was read."""


class LabelUnknown(DeskError):
    """A department, item, urgency or kind is not one of the known codes."""


class PersonRefused(DeskError):
    """A user cannot be made or changed: the name is taken, unknown or malformed, or the password is too short."""

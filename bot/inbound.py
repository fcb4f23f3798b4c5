"""What a channel hands over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Inbound:
    """One message of a resident, verified and decoded by its channel.

    ``message_id`` is unique within the channel; a message seen before is answered from the record.
    """

    channel: str
    sender: str
    message_id: str
    text: str
    media: str | None = None
    location: tuple[float, float] | None = None

    @property
    def conversation(self) -> str:
        """Key of the conversation in the dialogue engine."""
        return f"{self.channel}:{self.sender}"

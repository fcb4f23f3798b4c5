"""What actions work with, and small helpers over Rasa's tracker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from desk.config import DeskConfig
from desk.database import Database
from nlu.catalogue import Catalogue
from nlu.knowledge import Knowledge
from nlu.reader import Reader

Events = list[dict[str, Any]]


@dataclass
class BotContext:
    """The reader, the FAQ, the tickets. ``reader`` changes when a better model is put into service."""

    reader: Reader
    knowledge: Knowledge
    database: Database
    config: DeskConfig

    @property
    def catalogue(self) -> Catalogue:
        return self.reader.city.catalogue


class BotAction(Action):
    """An action with its context; ``called`` is the name the domain knows."""

    called = ""

    def __init__(self, context: BotContext) -> None:
        self.context = context

    def name(self) -> str:
        return self.called

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        raise NotImplementedError


def text_of(tracker: Tracker) -> str:
    return str(tracker.latest_message.get("text") or "")


def intent_of(tracker: Tracker) -> str:
    return str((tracker.latest_message.get("intent") or {}).get("name") or "")


def metadata_of(tracker: Tracker) -> dict[str, Any]:
    return dict(tracker.latest_message.get("metadata") or {})


def message_id_of(tracker: Tracker) -> str:
    return str(metadata_of(tracker).get("message_id") or tracker.latest_message.get("message_id") or "")


def who(tracker: Tracker) -> tuple[str, str]:
    """``(channel, sender)`` of a conversation named ``channel:sender``."""
    channel, _, sender = tracker.sender_id.partition(":")
    return channel, sender


def in_form(tracker: Tracker) -> bool:
    return bool(tracker.active_loop.get("name"))

"""Danger, the wish for a person, a declined offer, and saying it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.context import BotAction, Events, in_form, message_id_of, text_of
from bot.actions.draft import Draft, ask_next, open_draft
from bot.actions.form import cleared, fresh
from bot.wording import say
from nlu.text import find_phone

_TELLS = {
    "complain",
    "answer",
    "correct",
    "inform_place",
    "inform_time",
    "inform_detail",
    "nlu_fallback",
    "faq",
    "hazard",
}


class Hazard(BotAction):
    """Whom to call has been said before the dialogue was asked (see ``bot/conversation.py``); here only what follows."""

    called = "action_hazard"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text=say("hazard"))
        draft = Draft.from_slot(tracker.get_slot("draft"))
        text = f"{draft.text}\n{text_of(tracker)}" if draft and draft.text else text_of(tracker)
        offer = {"text": text, "hazard": True, "after": message_id_of(tracker)}
        if draft:
            offer |= {"details": {k: v for k, v in draft.details.items() if v}, "place": draft.place}
        return [*cleared(), SlotSet("offered", True), SlotSet("offer", offer)]


class Human(BotAction):
    """转人工: what was said so far goes to the agents; only a phone number is asked for."""

    called = "action_human"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text=say("human"))
        draft = Draft.from_slot(tracker.get_slot("draft")) if in_form(tracker) else None
        phone = find_phone(text_of(tracker))
        details = {"phone": phone[0]} if phone else {}
        if draft:
            dispatcher.utter_message(text=say("human_kept"))
            draft = replace(draft, human=True, seen=message_id_of(tracker), details=draft.details | details)
            draft = ask_next(draft, self.context.catalogue)
        else:
            offer = tracker.get_slot("offer") or {}
            told = offer.get("text") if tracker.get_slot("offered") else _told_lately(tracker)
            draft = open_draft(
                self.context.reader,
                told or "",
                message_id_of(tracker),
                tracker.sender_id,
                human=True,
                details=details,
                hazard=bool(offer.get("hazard")),
            )
        return fresh(draft)


def _told_lately(tracker: Tracker) -> str:
    """What the resident told since the last ticket, newest five messages at most."""
    texts: list[str] = []
    for event in reversed(tracker.events):
        if event.get("event") == "restart":  # before it stands what a repeated turn took back
            break
        if event.get("event") == "action" and event.get("name") in ("action_file_ticket", "action_cancel"):
            break
        if event.get("event") == "user" and (event.get("parse_data", {}).get("intent") or {}).get("name") in _TELLS:
            texts.append(str(event.get("text") or ""))
    return "\n".join(reversed(texts[:5]))


class Decline(BotAction):
    called = "action_decline"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text=say("declined"))
        return cleared()


class Repeat(BotAction):
    """Says the bot's last words again; inside the form its question follows anyway."""

    called = "action_repeat"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        if in_form(tracker):
            return []
        said: list[str] = []
        users = 0
        for event in reversed(tracker.events):
            if event.get("event") == "user":
                users += 1
                if users == 2:
                    break
            if event.get("event") == "bot" and users == 1 and event.get("text"):
                said.append(str(event["text"]))
        dispatcher.utter_message(text="\n".join(reversed(said)) or say("nothing_said_yet"))
        return []

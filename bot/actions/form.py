"""Opening a complaint, asking for what is missing, reading back."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.context import BotAction, Events, intent_of, message_id_of, text_of
from bot.actions.draft import Draft, open_draft, question, read_back
from bot.actions.steps import step
from bot.wording import say
from nlu.catalogue import OUT_OF_SCOPE
from nlu.moments import find_time
from nlu.text import find_phone

# acts that carry something for the open question; all others are answered by rules and come back to it
_WORKED_IN = {
    "answer",
    "affirm",
    "deny",
    "skip",
    "correct",
    "complain",
    "inform_place",
    "inform_time",
    "inform_phone",
    "inform_detail",
}

_PAUSES = {"wait", "goodbye"}


def fresh(draft: Draft) -> Events:
    """The slots of a form that is about to start with ``draft``."""
    return [
        SlotSet("draft", draft.to_slot()),
        SlotSet("detail", None),
        SlotSet("confirmed", None),
        SlotSet("offered", False),
        SlotSet("offer", None),
        SlotSet("choices", None),
    ]


def cleared() -> Events:
    """The slots when nothing is being taken down."""
    return [
        SlotSet("draft", None),
        SlotSet("detail", None),
        SlotSet("confirmed", None),
        SlotSet("offered", False),
        SlotSet("offer", None),
    ]


class OpenTicket(BotAction):
    """A matter was told."""

    called = "action_open_ticket"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        draft = open_draft(self.context.reader, text_of(tracker), message_id_of(tracker), tracker.sender_id)
        self._greet(dispatcher, draft)
        return fresh(draft)

    def _greet(self, dispatcher: CollectingDispatcher, draft: Draft) -> None:
        ground = self.context.catalogue.refusal(draft.item)
        if draft.department == OUT_OF_SCOPE and draft.decision == "auto" and ground:
            dispatcher.utter_message(text=say("opened_out_of_scope", why=ground.say))
        elif draft.kind == "consult":
            dispatcher.utter_message(
                text=say("opened_consult", department=self.context.catalogue.department_name(draft.department))
            )
        else:
            dispatcher.utter_message(text=say("opened"))


class OpenOffered(OpenTicket):
    """The resident said yes to the offer of a ticket."""

    called = "action_open_offered"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        offer, said = tracker.get_slot("offer") or {}, text_of(tracker)
        told = str(offer.get("text") or said)
        if told != said and self._tells_more(said):
            told = f"{told}\n{said}"
        draft = open_draft(
            self.context.reader,
            told,
            message_id_of(tracker),
            tracker.sender_id,
            hazard=bool(offer.get("hazard")),
            details=offer.get("details"),
            place=offer.get("place"),
        )
        self._greet(dispatcher, draft)
        return fresh(draft)

    def _tells_more(self, text: str) -> bool:
        """A yes that also says where, when or a number, or goes on with the story."""
        return bool(len(text) > 12 or find_phone(text) or find_time(text) or self.context.reader.city.places.find(text))


class ValidateTicketForm(BotAction):
    """Works each message into the draft and says which question comes next."""

    called = "validate_ticket_form"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        draft = Draft.from_slot(tracker.get_slot("draft"))
        if draft is None:  # nothing to take down: the form ends
            return [SlotSet("detail", "done"), SlotSet("requested_slot", None)]
        confirmed = False
        if message_id_of(tracker) != draft.seen:
            if intent_of(tracker) not in _WORKED_IN:
                return []  # nothing extracted: the form steps back and a rule answers the interruption
            done = step(draft, intent_of(tracker), text_of(tracker), message_id_of(tracker), self.context.reader)
            draft, confirmed = done.draft, done.confirmed
            for sentence in done.say:
                dispatcher.utter_message(text=sentence)
        if draft.human and not draft.asked:
            confirmed = True  # someone who asked for a person is not asked to confirm
        return [
            SlotSet("draft", draft.to_slot()),
            SlotSet("choices", None if message_id_of(tracker) == draft.seen else tracker.get_slot("choices")),
            SlotSet("detail", None if draft.asked else "done"),
            SlotSet("confirmed", True if confirmed else None),
            SlotSet("requested_slot", None if confirmed else "detail" if draft.asked else "confirmed"),
        ]


def _told_enough(draft: Draft, tracker: Tracker) -> bool:
    """The question need not follow: it has just been said how to answer, or the resident asked for a moment."""
    return intent_of(tracker) in _PAUSES or (draft.hinted and draft.seen == message_id_of(tracker))


class AskDetail(BotAction):
    called = "action_ask_detail"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        draft = Draft.from_slot(tracker.get_slot("draft"))
        if draft and draft.asked and not _told_enough(draft, tracker):
            dispatcher.utter_message(text=question(draft, self.context.catalogue))
        return []


class AskConfirmed(BotAction):
    called = "action_ask_confirmed"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        draft = Draft.from_slot(tracker.get_slot("draft"))
        if draft and not _told_enough(draft, tracker):
            dispatcher.utter_message(text=read_back(draft, self.context.catalogue))
        return []

"""Questions about city services: one sure answer, a choice between near ones, or an honest no."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.context import BotAction, Events, in_form, message_id_of, metadata_of, text_of
from bot.wording import say
from nlu.catalogue import OUT_OF_SCOPE

SURE = 0.54  # nearness from which an entry is the answer; measured in docs/accuracy.md
NEAR = 0.40  # nearness from which an entry is worth offering
CLEAR = 0.08  # lead over the second entry below which both are offered, unless the first is very near
_DIGITS = {"1": 0, "一": 0, "①": 0, "2": 1, "二": 1, "②": 1, "3": 2, "三": 2, "③": 2}


class _Answers(BotAction):
    def _no_answer(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, question: str, department: str | None
    ) -> Events:
        """An honest no; outside the form with the offer of a ticket."""
        if in_form(tracker):
            dispatcher.utter_message(text=say("no_answer_in_form"))
            return []
        catalogue = self.context.catalogue
        owner = department if department and department != OUT_OF_SCOPE else catalogue.fallback
        dispatcher.utter_message(text=say("no_answer", department=catalogue.department_name(owner)))
        return [
            SlotSet("offered", True),
            SlotSet("offer", {"text": question, "hazard": False, "after": message_id_of(tracker)}),
        ]


class AnswerQuestion(_Answers):
    called = "action_answer_question"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        text = text_of(tracker)
        found = self.context.knowledge.search(text)
        best = found[0] if found else None
        lead = best.score - found[1].score if best and len(found) > 1 else 1.0
        if best and best.score >= SURE and (lead >= CLEAR or best.score >= 0.75):
            dispatcher.utter_message(text=say("answer", answer=best.entry.answer, where=best.entry.where))
            return [SlotSet("choices", None)]
        near = [m for m in found if m.score >= NEAR]
        if near:
            lines = "\n".join(f"{number}. {m.entry.title}" for number, m in enumerate(near, 1))
            dispatcher.utter_message(text=say("choices", lines=lines))
            return [
                SlotSet("choices", [m.entry.id for m in near]),
                SlotSet("offer", {"text": text, "hazard": False, "after": message_id_of(tracker)}),
            ]
        reading = metadata_of(tracker).get("reading") or {}
        return [SlotSet("choices", None), *self._no_answer(dispatcher, tracker, text, reading.get("department"))]


class AnswerChoice(_Answers):
    called = "action_answer_choice"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        choices, question = tracker.get_slot("choices") or [], str((tracker.get_slot("offer") or {}).get("text") or "")
        digit = next((_DIGITS[c] for c in text_of(tracker) if c in _DIGITS), None)
        entry = (
            self.context.knowledge.answers.get(choices[digit]) if digit is not None and digit < len(choices) else None
        )
        if entry is None and digit is None and question:  # none of them
            return [
                SlotSet("choices", None),
                *self._no_answer(dispatcher, tracker, question, self.context.reader.read(question).department),
            ]
        if entry is None:
            dispatcher.utter_message(text=say("no_choice", most=len(choices)))
            return []
        dispatcher.utter_message(text=say("answer", answer=entry.answer, where=entry.where))
        return []

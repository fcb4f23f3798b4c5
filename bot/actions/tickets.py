"""Filing, progress, urging, withdrawing and adding to tickets."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio.to_thread
from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.orm import Session

from bot.actions.context import BotAction, Events, in_form, message_id_of, text_of, who
from bot.actions.draft import Draft
from bot.actions.form import cleared
from bot.wording import say
from desk import tickets
from desk.errors import DeskError
from desk.states import NAMES, OPEN
from desk.tables import Ticket
from nlu.catalogue import OUT_OF_SCOPE
from nlu.text import normalise

NUMBER = re.compile(r"my\s?(\d{6})\s?[-—–]?\s?(\d{6})")
_STILL_FRESH = timedelta(hours=48)  # a correction said later is a new matter


def number_in(text: str) -> str | None:
    """The ticket number that stands in ``text``, as the desk writes it."""
    match = NUMBER.search(normalise(text))
    return f"MY{match.group(1)}-{match.group(2)}" if match else None


class FileTicket(BotAction):
    """The form is complete. The draft's key makes a repeated filing yield the same ticket."""

    called = "action_file_ticket"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        draft = Draft.from_slot(tracker.get_slot("draft"))
        if draft is None:
            return []
        channel, sender = who(tracker)

        def work() -> tuple[str, str, str]:
            with self.context.database.session() as session:
                filed = tickets.file_ticket(session, self._to_desk(draft, channel, sender), self.context.config)
                return filed.number, filed.state, filed.department

        number, state, department = await anyio.to_thread.run_sync(work)
        dispatcher.utter_message(text=self._told(draft, number, state, department))
        events = [*cleared(), SlotSet("last_ticket", number)]
        if draft.later:
            dispatcher.utter_message(text=say("filed_and_later", begin=draft.later[:20]))
            events += [
                SlotSet("offered", True),
                SlotSet("offer", {"text": draft.later, "hazard": False, "after": message_id_of(tracker)}),
            ]
        return events

    def _to_desk(self, draft: Draft, channel: str, sender: str) -> tickets.Draft:
        catalogue, reading = self.context.catalogue, self.context.reader.read(draft.text)
        item = catalogue.items.get(draft.item or "")
        names = {
            code: value for code, value in draft.details.items() if code not in ("place", "time", "phone") and value
        }
        said = draft.details.get("place") or None
        place = (
            {
                "text": said,
                **{
                    k: (draft.place or {}).get(k)
                    for k in ("district", "district_name", "subdistrict", "subdistrict_name")
                },
            }
            if said
            else None
        )
        assigned = catalogue.assign(draft.department, draft.item, place)
        return tickets.Draft(
            key=draft.key,
            channel=channel,
            sender=sender,
            text=draft.text or say("human_text"),
            kind=draft.kind,
            department=assigned.department,
            unit=assigned.unit,
            co_departments=tuple(c for c in item.co_departments if c != assigned.department) if item else (),
            item=draft.item,
            urgency=draft.urgency,
            hazard=draft.hazard,
            place=place,
            time=draft.details.get("time") or None,
            phone=draft.details.get("phone") or None,
            details=names | ({"human": "要求人工服务"} if draft.human else {}),
            reading=reading.to_dict(),
            decision="review" if draft.human else draft.decision,
            reply_hours=item.reply_hours if item else None,
        )

    def _told(self, draft: Draft, number: str, state: str, department: str) -> str:
        catalogue = self.context.catalogue
        if department == OUT_OF_SCOPE:
            ground = catalogue.refusal(draft.item)
            owner = say("filed_out_of_scope", why=ground.say if ground else "")
            return say("filed", number=number, owner=owner, deadline="")
        owner = (
            say("filed_routed", department=catalogue.department_name(department))
            if state == "routed"
            else say("filed_pending")
        )
        hours = self.context.config.contact_hours
        if draft.urgency == "critical":
            hours = min(hours, self.context.config.dispatch_hours["critical"])
        shown = f"{hours:g}小时"
        deadline = say("filed_deadline", hours=shown) if draft.details.get("phone") else say("filed_deadline_no_phone")
        return say("filed", number=number, owner=owner, deadline=deadline)


class _WithTicket(BotAction):
    """Helpers for actions on a ticket that the resident names, or on the last one of the conversation."""

    def _mine(self, session: Session, tracker: Tracker) -> list[Ticket]:
        channel, sender = who(tracker)
        return [t for t in tickets.list_tickets(session, sender=sender, limit=20) if t.channel == channel]

    def _meant(self, session: Session, tracker: Tracker) -> Ticket | None:
        number = number_in(text_of(tracker))
        if number:
            return tickets.find_ticket(session, number)
        mine = self._mine(session, tracker)
        return mine[0] if mine else None

    def _line(self, ticket: Ticket) -> str:
        matter = self.context.catalogue.item_name(ticket.item) if ticket.item else ticket.text[:16]
        return f"{ticket.number}（{NAMES[ticket.state]}，{matter}）"


class Status(_WithTicket):
    called = "action_status"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text=await anyio.to_thread.run_sync(self._told, tracker))
        return []

    def _told(self, tracker: Tracker) -> str:
        number = number_in(text_of(tracker))
        with self.context.database.session() as session:
            if number is None:
                mine = self._mine(session, tracker)
                if len(mine) > 1:
                    return say("status_list", lines="\n".join(self._line(t) for t in mine[:5]))
                if not mine:
                    return say("status_none")
                number = mine[0].number
            ticket = tickets.find_ticket(session, number)
            if ticket is None:
                return say("status_unknown", number=number)
            matter = f"事项：{self.context.catalogue.item_name(ticket.item)}。" if ticket.item else ""
            name = ticket.unit or self.context.catalogue.department_name(ticket.department)
            owner = "" if ticket.state in ("pending", "rejected") else f"承办：{name}。"
            due = ticket.reply_due.astimezone(tickets.CITY_TIME) if ticket.state in OPEN else None
            deadline = f"预计{due.month}月{due.day}日{due.hour}点前答复。" if due else ""
            answer = f"答复：{ticket.answer}" if ticket.answer else ""
            return say(
                "status", number=ticket.number, state=NAMES[ticket.state], matter=matter, owner=owner,
                deadline=deadline, answer=answer,
            )  # fmt: skip


class Urge(_WithTicket):
    """催办."""

    called = "action_urge"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text=await anyio.to_thread.run_sync(self._urge, tracker))
        return []

    def _urge(self, tracker: Tracker) -> str:
        with self.context.database.session() as session:
            ticket = self._meant(session, tracker)
            if ticket is None:
                number = number_in(text_of(tracker))
                return say("status_unknown", number=number) if number else say("urge_none")
            if ticket.state not in OPEN:
                return say("urge_closed", number=ticket.number, state=NAMES[ticket.state])
            tickets.urge(session, ticket, "resident", cause=message_id_of(tracker))
            return say("urged", number=ticket.number, state=NAMES[ticket.state])


class Cancel(_WithTicket):
    """Inside the form: nothing is filed. With a number: the ticket is withdrawn."""

    called = "action_cancel"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        if number_in(text_of(tracker)) is None:
            if in_form(tracker):
                dispatcher.utter_message(text=say("cancelled"))
            elif tracker.get_slot("offered"):
                dispatcher.utter_message(text=say("declined"))
            else:
                dispatcher.utter_message(response="utter_nothing_to_cancel")
            return cleared()
        dispatcher.utter_message(text=await anyio.to_thread.run_sync(self._withdraw, tracker))
        return []

    def _withdraw(self, tracker: Tracker) -> str:
        channel, sender = who(tracker)
        with self.context.database.session() as session:
            ticket = self._meant(session, tracker)
            if ticket is None:
                return say("status_unknown", number=number_in(text_of(tracker)))
            if (ticket.channel, ticket.sender) != (channel, sender):
                return say("withdraw_not_yours")
            try:
                tickets.withdraw(session, ticket, "resident", cause=message_id_of(tracker))
            except DeskError:
                return say("withdraw_refused", number=ticket.number, state=NAMES[ticket.state])
            return say("withdrawn", number=ticket.number)


class Supplement(_WithTicket):
    """A correction after filing goes into the ticket's text."""

    called = "action_supplement"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text=await anyio.to_thread.run_sync(self._add, tracker))
        return []

    def _add(self, tracker: Tracker) -> str:
        channel, sender = who(tracker)
        with self.context.database.session() as session:
            ticket = self._meant(session, tracker)
            if ticket is None or ticket.state not in OPEN or (ticket.channel, ticket.sender) != (channel, sender):
                return say("supplement_none")
            if datetime.now(UTC) - ticket.created_at > _STILL_FRESH:
                return say("supplement_none")
            tickets.append_text(session, ticket, text_of(tracker), "resident", cause=message_id_of(tracker))
            return say("supplemented", number=ticket.number)

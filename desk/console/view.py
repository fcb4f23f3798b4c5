"""What the page of a ticket shows, worked out before the template sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from desk.console import words
from desk.console.pieces import Mark, Piece, Secrets
from desk.states import OPEN, allowed
from desk.tables import Message, Ticket, TicketEvent
from nlu.catalogue import OUT_OF_SCOPE, Catalogue, Item
from nlu.ownership import LEVELS


@dataclass(frozen=True)
class Suggestion:
    """A department with the item that goes with it, if the reading names one. ``key`` is the key that picks it."""

    key: int
    code: str
    name: str
    confidence: float
    item: str
    item_name: str


@dataclass(frozen=True)
class Line:
    """One line of the history; ``change`` is "A → B" or empty."""

    event: TicketEvent
    who: str
    what: str
    change: str
    note: list[Piece]


class TicketView:
    """Everything the template of a ticket needs; names in Chinese, personal numbers hidden."""

    def __init__(self, ticket: Ticket, messages: list[Message], catalogue: Catalogue) -> None:
        self.ticket, self._catalogue = ticket, catalogue
        self.secrets = Secrets()
        self.phone = self.secrets.hide(ticket.phone) if ticket.phone else None
        self.text = self.secrets.pieces(ticket.text, _spans(ticket))
        self.details = [
            (catalogue.details[code].name if code in catalogue.details else code, self.secrets.pieces(str(value)))
            for code, value in ticket.details.items()
        ]
        self.conversation = [
            (message, self.secrets.pieces(message.text), [self.secrets.pieces(reply) for reply in message.reply or []])
            for message in messages
        ]
        self.answer = self.secrets.pieces(ticket.answer) if ticket.answer else []
        self.history = [self._line(event) for event in reversed(ticket.events)]
        self.suggestions = self._suggestions()
        self.items = [
            (choice["code"], choice["name"], choice["confidence"], self._owner(choice["code"]))
            for choice in ticket.reading.get("items") or []
        ]
        self.moves = allowed(ticket.state)
        self.open = ticket.state in OPEN
        hazard = catalogue.hazards.get(ticket.hazard or "")
        self.hazard = hazard.name if hazard else ""
        self.advice = hazard.advice if hazard else ""

    @property
    def department_name(self) -> str:
        return self._catalogue.department_name(self.ticket.department)

    @property
    def unit(self) -> str:
        """The office that receives it first, unless it is the department itself."""
        department = self._catalogue.departments.get(self.ticket.department)
        unit = self.ticket.unit or ""
        return "" if department and unit in (department.name, department.full_name) else unit

    @property
    def unit_why(self) -> str:
        """Why that office: the rule of the city, or that the place is not known well enough for the level that would handle it."""
        ticket = self.ticket
        assigned = self._catalogue.assign(ticket.department, ticket.item, ticket.place, settled=True)
        if assigned.why:
            return assigned.why
        if assigned.level != assigned.wanted:
            missing = (
                "街道" if assigned.wanted == "subdistrict" and (ticket.place or {}).get("district") else "区、街道"
            )
            return f"应由{LEVELS[assigned.wanted]}办理，{missing}未明，先由上一级首接"
        return ""

    @property
    def refusal(self) -> str:
        """What the resident is told when this is not taken up, as long as that is the suggestion."""
        ground = self._catalogue.refusal(self.ticket.item) if self.ticket.department == OUT_OF_SCOPE else None
        return ground.say if ground and self.ticket.state == "pending" else ""

    @property
    def item(self) -> Item | None:
        return self._catalogue.items.get(self.ticket.item or "")

    @property
    def item_name(self) -> str:
        return self._catalogue.item_name(self.ticket.item) if self.ticket.item else "未定事项"

    @property
    def helpers(self) -> list[str]:
        return [self._catalogue.department_name(code) for code in self.ticket.co_departments]

    @property
    def place(self) -> str:
        place = self.ticket.place
        if not place:
            return ""
        said = str(place.get("text") or "")
        known = [str(place.get("district_name") or ""), str(place.get("subdistrict_name") or "")]
        home = " ".join(name for name in known if name and name.removesuffix("街道").removesuffix("区") not in said)
        return f"{said}（{home}）" if home else said

    @property
    def why(self) -> str:
        """Why a person is asked, or why none was needed."""
        ticket = self.ticket
        sure = self.suggestions[0].confidence if self.suggestions else None
        share = f"（{sure:.0%}）" if sure is not None else ""
        if ticket.urgency == "critical":
            return "特急工单须人工确认"
        if ticket.department == OUT_OF_SCOPE:
            return "疑似不予受理，须人工确认"
        if ticket.decision == "auto":
            return f"置信度{share}达到自动分拨线，已自动分拨"
        if ticket.reading.get("decision") == "auto":
            return "居民要求人工，或对话中有未确认的内容"
        return f"置信度{share}低于自动分拨线"

    def _owner(self, item: str) -> str:
        return self._catalogue.items[item].department if item in self._catalogue.items else ""

    def _suggestions(self) -> list[Suggestion]:
        found = []
        for key, choice in enumerate(self.ticket.reading.get("departments") or [], 1):
            fitting = (i for i in self.ticket.reading.get("items") or [] if self._owner(i["code"]) == choice["code"])
            item = next(fitting, {"code": "", "name": ""})
            found.append(
                Suggestion(key, choice["code"], choice["name"], choice["confidence"], item["code"], item["name"])
            )
        return found

    def _line(self, event: TicketEvent) -> Line:
        names = {
            "set_department": self._catalogue.department_name,
            "set_item": self._catalogue.item_name,
            "set_urgency": lambda code: words.URGENCY_NAMES.get(code, code),
            "set_kind": lambda code: words.KIND_NAMES.get(code, code),
            "rate": lambda code: f"{code} 分",
        }.get(event.what, lambda code: words.STATES.get(code, code))
        before, after = (str(names(code)) if code else "无" for code in (event.before, event.after))
        change = after if event.after is not None else ""
        if event.before is not None and event.before != event.after:
            change = f"{before} → {after}"
        note = event.note or ""
        pieces = self.secrets.pieces(self._catalogue.department_name(note) if event.what == "route" else note)
        return Line(event, words.who(event.who), words.EVENTS.get(event.what, event.what), change, pieces)


def _spans(ticket: Ticket) -> list[tuple[int, int, Mark]]:
    """The reading's stretches where they stand in the ticket's text, which may have been put together from several."""
    reading: dict[str, Any] = ticket.reading
    read = str(reading.get("text") or "")
    same = ticket.text.startswith(read)
    spans: list[tuple[int, int, Mark]] = []

    def add(start: int, end: int, mark: Mark) -> None:
        words_ = read[start:end]
        at = start if same else ticket.text.find(words_)
        if words_ and at >= 0:
            spans.append((at, at + len(words_), mark))

    for evidence in reading.get("evidence") or []:
        add(evidence["start"], evidence["end"], "evidence")
    for reason in (reading.get("urgency") or {}).get("reasons") or []:
        add(reason["start"], reason["end"], "reason")
    return spans

"""What agents say of tickets, kept as labels that `minyi train` learns from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.tables import Label, Ticket
from nlu.catalogue import Catalogue
from nlu.text import mask

FIELDS = ("department", "item", "urgency", "kind")


def confirm(session: Session, ticket: Ticket, who: str) -> None:
    """An agent agreed with all that the ticket says."""
    judge(
        session, ticket, who, {field: getattr(ticket, field) for field in FIELDS if getattr(ticket, field) is not None}
    )


def judge(session: Session, ticket: Ticket, who: str, said: Mapping[str, str | None]) -> None:
    """An agent said these values, before the ticket takes them; the same value as before confirms it."""
    text = mask(ticket.text)
    for field, code in said.items():
        session.add(
            Label(ticket_id=ticket.id, who=who, text=text, field=field, before=getattr(ticket, field), after=code)
        )


def labelled_texts(session: Session, catalogue: Catalogue | None = None) -> list[dict[str, Any]]:
    """One mapping a judged ticket, in the order of filing: keyword arguments of ``nlu.training.dataset.Example``.

    Keys ``text`` (masked), ``department``, ``item``, ``urgency``, ``kind`` ("" where no agent said anything) and
    ``source`` ("desk:<number>"). Of several judgements of a field the newest counts; an item is never given together
    with a department that an agent chose after it. With ``catalogue``, codes it no longer lists count as not said. Tickets of residents who
    told nothing and only wanted a person are left out: their text is ours.
    """
    rows = session.execute(
        select(Label, Ticket.number, Ticket.reading).join(Ticket, Label.ticket_id == Ticket.id).order_by(Label.id)
    )
    found: dict[int, dict[str, Any]] = {}
    for label, number, reading in rows:
        if reading.get("text") == "":
            continue
        example = found.setdefault(label.ticket_id, {"source": f"desk:{number}", **dict.fromkeys(FIELDS, "")})
        example["text"] = mask(label.text)  # again: the masking may have learnt since
        example[label.field] = label.after or ""
    if catalogue is not None:
        for example in found.values():
            for field, known in (("department", catalogue.departments), ("item", catalogue.items)):
                example[field] = example[field] if example[field] in known else ""
    return [found[ticket] for ticket in sorted(found)]

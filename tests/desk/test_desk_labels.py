from __future__ import annotations

from collections.abc import Callable

from desk.config import DeskConfig
from desk.database import Database
from desk.labels import labelled_texts
from desk.tickets import Draft, Ticket, accept, correct, file_ticket
from nlu.catalogue import Catalogue
from nlu.training.dataset import Example


def _filed(database: Database, draft: Draft) -> Ticket:
    with database.session() as session:
        return file_ticket(session, draft, DeskConfig())


def _example(database: Database) -> Example:
    with database.session() as session:
        (row,) = labelled_texts(session)
    return Example(**row)


def test_nobody_has_judged_means_no_labels(database: Database, draft: Callable[..., Draft]) -> None:
    _filed(database, draft(decision="auto"))
    with database.session() as session:
        assert labelled_texts(session) == []


def test_accepting_confirms_and_hides_personal_data(database: Database, draft: Callable[..., Draft]) -> None:
    ticket = _filed(database, draft())
    with database.session() as session:
        accept(session, ticket, "alice")
    assert _example(database) == Example(
        "楼下烧烤摊占道，电话<电话>",
        "urban_management",
        "street_stall",
        "normal",
        "complaint",
        source=f"desk:{ticket.number}",
    )


def test_who_told_nothing_teaches_nothing(database: Database, draft: Callable[..., Draft]) -> None:
    ticket = _filed(database, draft(text="居民要求人工服务。", reading={"text": ""}))
    with database.session() as session:
        accept(session, ticket, "alice")
        assert labelled_texts(session) == []


def test_the_newest_judgement_wins(database: Database, draft: Callable[..., Draft]) -> None:
    ticket = _filed(database, draft())
    with database.session() as session:
        ticket = accept(session, ticket, "alice")
        ticket = correct(session, ticket, "bob", department="police", item="noise_neighbour")
        correct(session, ticket, "bob", urgency="urgent")
    example = _example(database)
    assert (example.department, example.item, example.urgency) == ("police", "noise_neighbour", "urgent")


def test_a_department_without_an_item_leaves_no_item(database: Database, draft: Callable[..., Draft]) -> None:
    ticket = _filed(database, draft())
    with database.session() as session:
        ticket = accept(session, ticket, "alice")
        correct(session, ticket, "bob", department="police")
    example = _example(database)
    assert (example.department, example.item, example.kind) == ("police", "", "complaint")


def test_what_an_agent_did_not_say_is_no_label(database: Database, draft: Callable[..., Draft]) -> None:
    ticket = _filed(database, draft())
    with database.session() as session:
        correct(session, ticket, "bob", urgency="urgent")
    example = _example(database)
    assert (example.department, example.item, example.urgency, example.kind) == ("", "", "urgent", "")


def test_codes_the_catalogue_no_longer_lists_are_left_out(sqlite: Database, draft: Callable[..., Draft]) -> None:
    ticket = _filed(sqlite, draft())
    with sqlite.session() as session:
        accept(session, ticket, "alice")
        (row,) = labelled_texts(session, Catalogue({}, {}, {}, {}, {}))
    assert (row["department"], row["item"], row["kind"]) == ("", "", "complaint")

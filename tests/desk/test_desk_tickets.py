from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from desk import changes, numbers
from desk.changes import hold
from desk.clock import CITY_TIME, iso, now
from desk.config import DeskConfig
from desk.database import Database
from desk.errors import LabelUnknown, MoveForbidden, TicketChanged
from desk.finding import counts, next_pending, queue
from desk.states import MOVES, NAMES, allowed
from desk.tables import Ticket
from desk.tickets import (
    Draft,
    accept,
    append_text,
    close,
    correct,
    file_ticket,
    find_ticket,
    list_tickets,
    rate,
    reject,
    reopen,
    reply,
    start,
    to_api,
    urge,
    withdraw,
)
from nlu.catalogue import OUT_OF_SCOPE, Ground, load_catalogue

Make = Callable[..., Draft]


def _filed(database: Database, draft: Draft, config: DeskConfig | None = None) -> Ticket:
    with database.session() as session:
        return file_ticket(session, draft, config or DeskConfig())


def test_a_number_is_one_word_with_the_citys_day(database: Database, draft: Make) -> None:
    number = _filed(database, draft()).number
    assert re.fullmatch(r"MY\d{6}-\d{6}", number)
    assert number[2:8] == f"{now().astimezone(CITY_TIME):%y%m%d}"


@pytest.mark.parametrize(
    "write",
    [
        str,
        str.lower,
        lambda n: f" {n} ",
        lambda n: n.replace("-", " － "),
        lambda n: n.replace("-", "—"),
        lambda n: n.replace("-", ""),
        lambda n: "".join(chr(ord(c) + 0xFEE0) for c in n),
    ],
)
def test_a_number_is_found_however_it_is_written(sqlite: Database, draft: Make, write: Callable[[str], str]) -> None:
    filed = _filed(sqlite, draft())
    with sqlite.session() as session:
        found = find_ticket(session, write(filed.number))
        assert found is not None and found.id == filed.id


@pytest.mark.parametrize("number", ["", "MY", "MY000000-000000", "你好", "%", "MY261124-48392"])
def test_what_is_no_number_finds_nothing(sqlite: Database, number: str) -> None:
    with sqlite.session() as session:
        assert find_ticket(session, number) is None


def test_a_taken_number_is_drawn_again(database: Database, draft: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([111111, 111111, 222222])
    monkeypatch.setattr(numbers.secrets, "randbelow", lambda most: next(drawn))
    with database.session() as session:
        first = file_ticket(session, draft(), DeskConfig())
        second = file_ticket(session, draft(), DeskConfig())
    assert [t.number[-6:] for t in (first, second)] == ["111111", "222222"]


def test_the_same_key_files_one_ticket(database: Database, draft: Make) -> None:
    once = draft(key="k")
    assert _filed(database, once).number == _filed(database, draft(key="k", text="别的")).number
    with database.session() as session:
        assert len(list_tickets(session, limit=10)) == 1


def test_the_same_key_at_the_same_moment_files_one_ticket(database: Database, draft: Make) -> None:
    same = draft(key="k")
    with ThreadPoolExecutor(12) as pool:
        numbers_ = set(pool.map(lambda _: _filed(database, same).number, range(24)))
    assert len(numbers_) == 1


def test_many_tickets_at_once_lose_none(database: Database, draft: Make) -> None:
    with ThreadPoolExecutor(16) as pool:
        filed = {t.number for t in pool.map(lambda _: _filed(database, draft()), range(64))}
    with database.session() as session:
        assert {t.number for t in list_tickets(session, limit=100)} == filed
        assert len(filed) == 64


@pytest.mark.parametrize(
    ("decision", "urgency", "department", "state"),
    [
        ("auto", "normal", "police", "routed"),
        ("auto", "urgent", "police", "routed"),
        ("auto", "critical", "police", "pending"),
        ("review", "normal", "police", "pending"),
        ("auto", "normal", OUT_OF_SCOPE, "pending"),
    ],
)
def test_what_needs_a_person_waits_for_one(
    database: Database, draft: Make, decision: str, urgency: str, department: str, state: str
) -> None:
    ticket = _filed(database, draft(decision=decision, urgency=urgency, department=department))
    assert (ticket.state, ticket.department) == (state, department)
    assert [e.who for e in ticket.events] == ["minyi"] * (2 if state == "routed" else 1)


def test_deadlines_follow_urgency_and_settings(database: Database, draft: Make) -> None:
    config = DeskConfig(
        {"critical": 1, "urgent": 3, "normal": 9}, {"critical": 2, "urgent": 30, "normal": 90}, contact_hours=12
    )
    ticket = _filed(database, draft(urgency="urgent"), config)
    shape = to_api(ticket, whole_phone=False)
    assert shape["deadlines"] == {
        "dispatch": iso(ticket.created_at + timedelta(hours=3)),
        "contact": iso(ticket.created_at + timedelta(hours=12)),
        "reply": iso(ticket.created_at + timedelta(hours=30)),
    }
    assert shape["created_at"].endswith("+08:00")


def test_an_unknown_urgency_is_refused(database: Database, draft: Make) -> None:
    with pytest.raises(LabelUnknown, match="'tomorrow'"):
        _filed(database, draft(urgency="tomorrow"))


def test_the_phone_is_whole_only_for_those_who_may_see_it(database: Database, draft: Make) -> None:
    ticket = _filed(database, draft())
    assert to_api(ticket, whole_phone=True)["phone"] == "13812345678"
    assert to_api(ticket, whole_phone=False)["phone"] == "138****5678"


def test_a_ticket_goes_all_the_way_and_every_step_is_written_down(
    database: Database, draft: Make, config: DeskConfig
) -> None:
    ticket = _filed(database, draft())
    with database.session() as session:
        ticket = find_ticket(session, ticket.number)
        assert ticket is not None
        append_text(session, ticket, "昨晚又来了", "resident")
        urge(session, ticket, "resident")
        accept(session, ticket, "alice")
        start(session, ticket, "bob")
        reply(session, ticket, "bob", "已清理")
        rate(session, ticket, "resident", 2)
        reopen(session, ticket, "resident", config=config)
        reply(session, ticket, "bob", "再次清理")
        close(session, ticket, "bob")
        rate(session, ticket, "resident", 5)
    with database.session() as session:
        ticket = find_ticket(session, ticket.number)
        assert ticket is not None
        assert [e.what for e in ticket.events] == [
            "file", "append", "urge", "accept", "start", "reply", "rate", "reopen", "reply", "close", "rate",
        ]  # fmt: skip
        assert (ticket.state, ticket.urged, ticket.reopened, ticket.rating) == ("closed", 1, 1, 5)
        assert ticket.text.endswith("\n昨晚又来了") and ticket.answer == "再次清理"
        shape = to_api(ticket, whole_phone=True, history=True)
        assert shape["history"][3] | {"at": ""} == {
            "at": "", "who": "alice", "what": "accept", "from": "pending", "to": "routed", "note": None,
        }  # fmt: skip


def test_the_same_message_asking_again_changes_nothing(database: Database, draft: Make) -> None:
    ticket = _filed(database, draft())
    for _ in range(2):  # in sessions of their own, as before and after a crash
        with database.session() as session:
            urge(session, ticket, "resident", cause="m1")
        with database.session() as session:
            append_text(session, ticket, "昨晚又来了", "resident", cause="m2")
    with database.session() as session:
        urge(session, ticket, "resident", cause="m3")
    for _ in range(2):
        with database.session() as session:
            assert withdraw(session, ticket, "resident", cause="m4").state == "withdrawn"
    with database.session(only_reads=True) as session:
        found = find_ticket(session, ticket.number)
        assert found is not None
        assert [e.what for e in found.events] == ["file", "urge", "append", "urge", "withdraw"]
        assert found.urged == 2 and found.text.count("昨晚又来了") == 1


def test_a_forbidden_move_says_what_is_possible(sqlite: Database, draft: Make) -> None:
    ticket = _filed(sqlite, draft())
    with sqlite.session() as session, pytest.raises(MoveForbidden, match="待分拨.*不能办结.*现在可以：采纳、更正"):
        close(session, ticket, "alice")
    with sqlite.session() as session:
        withdraw(session, ticket, "resident")
    with sqlite.session() as session, pytest.raises(MoveForbidden, match="已撤销.*已经结束"):
        urge(session, ticket, "resident")


def test_every_state_has_a_name_and_every_move_leads_to_one() -> None:
    for move in MOVES.values():
        assert set(move.target) | set(move.target.values()) <= set(NAMES)
    assert allowed("withdrawn") == ()


@pytest.mark.parametrize("rating", [0, 6, -1])
def test_a_rating_is_one_to_five(sqlite: Database, draft: Make, rating: int) -> None:
    ticket = _filed(sqlite, draft())
    with sqlite.session() as session, pytest.raises(MoveForbidden, match="1到5分"):
        rate(session, ticket, "resident", rating)


def test_the_slower_of_two_agents_is_told(database: Database, draft: Make) -> None:
    ticket = _filed(database, draft())
    with database.session() as session:
        accept(session, ticket, "alice")
    with database.session() as session, pytest.raises(TicketChanged, match="刚刚被他人修改（alice），请刷新"):
        correct(session, ticket, "bob", department="police")
    with database.session() as session:
        again = find_ticket(session, ticket.number)
        assert again is not None and again.department == "urban_management"


def test_of_two_agents_at_the_same_moment_one_wins(database: Database, draft: Make) -> None:
    ticket = _filed(database, draft())

    def decide(department: str) -> str:
        try:
            with database.session() as session:
                correct(session, ticket, "x", department=department)
        except TicketChanged:
            return "told"
        return "won"

    with ThreadPoolExecutor(4) as pool:
        told = sorted(pool.map(decide, ["police", "water_supply", "subdistrict", "urban_management"]))
    assert told == ["told", "told", "told", "won"]


def test_residents_never_clash_with_agents_or_each_other(database: Database, draft: Make) -> None:
    ticket = _filed(database, draft())
    with database.session() as session:
        accept(session, ticket, "alice")

    def press(_: int) -> None:
        with database.session() as session:
            urge(session, ticket, "resident")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(press, range(8)))
    with database.session() as session:
        again = find_ticket(session, ticket.number)
        assert again is not None and again.urged == 8


def test_a_correction_takes_the_foreign_item_away_and_moves_the_deadlines(database: Database, draft: Make) -> None:
    config = DeskConfig()
    ticket = _filed(database, draft())
    with database.session() as session:
        ticket = correct(session, ticket, "bob", department="police", urgency="critical", note="打人", config=config)
    assert (ticket.state, ticket.department, ticket.item) == ("routed", "police", None)
    assert ticket.reply_due == ticket.created_at + timedelta(hours=config.reply_hours["critical"])
    assert [(e.what, e.before, e.after) for e in ticket.events[1:]] == [
        ("set_department", "urban_management", "police"),
        ("set_item", "street_stall", None),
        ("set_urgency", "normal", "critical"),
        ("correct", "pending", "routed"),
    ]


def test_correcting_particulars_leaves_the_department_at_work(sqlite: Database, draft: Make) -> None:
    ticket = _filed(sqlite, draft(decision="auto"))
    with sqlite.session() as session:
        ticket = start(session, ticket, "bob")
        assert correct(session, ticket, "alice", kind="report").state == "in_progress"
        assert correct(session, ticket, "alice", department="police").state == "routed"


def test_a_correction_that_says_nothing_is_refused(sqlite: Database, draft: Make) -> None:
    ticket = _filed(sqlite, draft())
    with sqlite.session() as session, pytest.raises(LabelUnknown, match="至少选择"):
        correct(session, ticket, "alice", note="看过了")


def test_what_is_out_of_scope_is_rejected_and_can_come_back(sqlite: Database, draft: Make) -> None:
    ticket = _filed(sqlite, draft())
    with sqlite.session() as session:
        ticket = correct(session, ticket, "alice", department=OUT_OF_SCOPE)
        assert ticket.state == "rejected"
        assert reopen(session, ticket, "alice").state == "pending"
        assert accept(session, ticket, "alice").state == "rejected"
    other = _filed(sqlite, draft())
    with sqlite.session() as session:
        assert reject(session, other, "alice", note="已进入诉讼").state == "rejected"


def test_lists_are_newest_first_and_page_by_page(database: Database, draft: Make) -> None:
    filed = [_filed(database, draft(sender="a" if n % 2 else "b", text=f"第{n}件 100%")).number for n in range(6)]
    with database.session() as session:
        assert [t.number for t in list_tickets(session, limit=10)] == filed[::-1]
        assert [t.number for t in list_tickets(session, sender="a", limit=2)] == [filed[5], filed[3]]
        assert [t.number for t in list_tickets(session, sender="a", limit=2, before=filed[3])] == [filed[1]]
        assert list_tickets(session, limit=5, before="MY000000-000000") == []
        assert [t.number for t in list_tickets(session, query="第4件", limit=5)] == [filed[4]]
        assert [t.number for t in list_tickets(session, query=filed[2].lower(), limit=5)] == [filed[2]]
        assert len(list_tickets(session, query="100%", limit=9)) == 6
        assert list_tickets(session, query="_", limit=9) == []
        assert len(list_tickets(session, query="13812345678", limit=9)) == 6
        assert list_tickets(session, state=["closed"], limit=9) == []
        assert (
            len(list_tickets(session, state="pending", urgency="normal", department="urban_management", limit=9)) == 6
        )


def test_the_queue_puts_danger_first(database: Database, draft: Make) -> None:
    for urgency in ("normal", "critical", "urgent", "critical"):
        _filed(database, draft(urgency=urgency, decision="auto"))
    with database.session() as session:
        page, total = queue(session, limit=3)
        assert [t.urgency for t in page] == ["critical", "critical", "urgent"] and total == 4
        assert counts(session)["pending"] == {"critical": 2}


def test_an_open_ticket_is_not_handed_to_another_agent(database: Database, draft: Make) -> None:
    first, second = _filed(database, draft(urgency="critical")), _filed(database, draft())
    with database.session() as session:
        hold(session, first, "alice")
    with database.session() as session:
        assert getattr(next_pending(session, "alice"), "id", None) == first.id
        assert getattr(next_pending(session, "bob"), "id", None) == second.id
        assert getattr(next_pending(session, "alice", after=first), "id", None) == second.id
        assert getattr(next_pending(session, "alice", after=second), "id", None) == first.id
        changes.release(session, "alice")
    with database.session() as session:
        assert getattr(next_pending(session, "bob"), "id", None) == first.id


def test_a_refusal_tells_the_resident_where_to_turn(sqlite: Database, draft: Make) -> None:
    ground = Ground("court", "诉讼", "请打12368。", "民事诉讼法", ("judged",))
    with sqlite.session() as session:
        ticket = file_ticket(session, draft(), DeskConfig())
        assert reject(session, ticket, "alice", ground=ground).answer == "请打12368。"
        assert ticket.replied_at is not None
        assert reopen(session, ticket, "alice").answer is None


def test_the_office_follows_department_item_and_place(sqlite: Database, draft: Make) -> None:
    catalogue = load_catalogue(Path(__file__).parents[2] / "training_data" / "catalogue")
    place = {"text": "科技园", "district": "nanshan", "district_name": "南山区"}
    with sqlite.session() as session:
        ticket = file_ticket(session, draft(place=place, unit="南山区城市管理和综合执法局"), DeskConfig())
        assert to_api(ticket, whole_phone=True)["unit"] == "南山区城市管理和综合执法局"
        ticket = correct(session, ticket, "alice", department="education", catalogue=catalogue)
        assert ticket.unit == "南山区教育局"
        other = file_ticket(session, draft(), DeskConfig())
        done = correct(session, other, "alice", item="court_case_pending", catalogue=catalogue)
        assert (done.state, done.answer) == ("rejected", catalogue.grounds["court"].say)
        third = file_ticket(session, draft(department="out_of_scope", item="arbitration_pending"), DeskConfig())
        assert accept(session, third, "alice", catalogue=catalogue).answer == catalogue.grounds["arbitration"].say

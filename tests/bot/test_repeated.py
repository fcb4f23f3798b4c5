"""A message whose answer was lost in a crash is worked through again: the same is said, and nothing happens twice."""

from __future__ import annotations

import json
import secrets
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.service import Service

pytestmark = pytest.mark.rasa
MATTER = "福田区梅林街道梅林一村3栋楼下餐馆半夜油烟很大，已经一个月了"
FILE = [MATTER, "不知道", "不留", "确认"]  # answers to whatever is asked come to the ticket


def forget_answer(service: Service) -> None:
    """As a kill between the dialogue's answer and our record leaves it."""
    with closing(sqlite3.connect(service.data / "minyi.sqlite", timeout=10)) as database, database:
        database.execute(
            "UPDATE messages SET state='received', reply=NULL, answered_at=NULL, delivered=0 WHERE id=(SELECT max(id) FROM messages)"
        )


def kept(service: Service) -> list[tuple[Any, ...]]:
    """All that a second turn must not change."""
    with closing(sqlite3.connect(service.data / "minyi.sqlite", timeout=10)) as database:
        tickets = database.execute(
            "SELECT number, state, text, urged, version, urgency, phone FROM tickets ORDER BY id"
        )
        return [*tickets.fetchall(), *database.execute("SELECT ticket_id, what, note FROM ticket_events").fetchall()]


def draft_of(service: Service) -> dict[str, Any] | None:
    """The draft of the latest conversation as the dialogue keeps it."""
    with closing(sqlite3.connect(service.data / "dialogue.sqlite", timeout=10)) as database:
        row = database.execute(
            "SELECT data FROM events WHERE type_name='slot' AND action_name='draft' ORDER BY id DESC LIMIT 1"
        ).fetchone()
    return json.loads(row[0])["value"] if row else None


@pytest.mark.parametrize(
    ("talk", "what"),
    [
        pytest.param(["你好"], None, id="the first message"),
        pytest.param([MATTER], None, id="opens a complaint"),
        pytest.param([MATTER, "不知道"], None, id="an answer in the form"),
        pytest.param([MATTER, "身份证丢了怎么补办"], None, id="a question in the form"),
        pytest.param(FILE, "file", id="confirms"),
        pytest.param([*FILE, "催一下"], "urge", id="urges"),
        pytest.param([*FILE, "更正一下，是梅林二村"], "append", id="adds to the ticket"),
        pytest.param(["转人工，我的电话是13812345678"], "file", id="asks for a person"),
        pytest.param(["家里煤气漏了，味道很大"], None, id="in danger"),
        pytest.param([*FILE, "楼上装修天天电钻，龙华区民治街道水榭春天5栋", "晚上十点"], None, id="a second complaint"),
    ],
)
def test_the_last_message_worked_through_twice(service: Service, talk: list[str], what: str | None) -> None:
    talker = service.talker()
    for text in talk[:-1]:
        talker.say(text)
    lines = len(kept(service))
    message_id = secrets.token_hex(8)
    first = talker.say(talk[-1], message_id)
    before, draft = kept(service), draft_of(service)
    assert (len(before) > lines) == (what is not None)
    assert what is None or what in [line[1] for line in before[lines:]]
    for _ in range(2):  # a crash may come twice
        forget_answer(service)
        assert talker.say(talk[-1], message_id) == first
        assert kept(service) == before
        assert draft_of(service) == draft


def test_the_talk_goes_on_after_a_repeated_turn(service: Service) -> None:
    talker = service.talker()
    for text in FILE[:-1]:
        talker.say(text)
    assert "请核对" in "".join(talker.say("地点是梅林一村5栋", "correction-1"))
    forget_answer(service)
    assert "5栋" in "".join(talker.say("地点是梅林一村5栋", "correction-1"))
    filed = "".join(talker.say("确认"))
    assert "已登记" in filed
    number = filed.split("工单号 ")[1][:15]
    assert number in "".join(talker.say("查一下进度"))


def test_withdrawn_once(service: Service) -> None:
    talker = service.talker()
    for text in FILE:
        filed = "".join(talker.say(text))
    number = filed.split("工单号 ")[1][:15]
    first = talker.say(f"撤销工单{number}", "withdraw-1")
    assert "已撤" in "".join(first), first
    before = kept(service)
    forget_answer(service)
    assert talker.say(f"撤销工单{number}", "withdraw-1") == first
    assert kept(service) == before

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from desk import inbox
from desk.clock import now
from desk.database import Database


def _receive(database: Database, message_id: str, sender: str = "s", channel: str = "web") -> tuple[int, bool]:
    with database.session() as session:
        message, is_new = inbox.receive(session, channel, message_id, sender, f"text {message_id}")
        return message.id, is_new


def test_a_message_is_new_once_a_channel(database: Database) -> None:
    first, is_new = _receive(database, "m1")
    assert is_new
    assert _receive(database, "m1") == (first, False)
    assert _receive(database, "m1", channel="wechat")[1] is True


def test_of_many_that_receive_the_same_message_one_gets_it(database: Database) -> None:
    with ThreadPoolExecutor(12) as pool:
        got = list(pool.map(lambda _: _receive(database, "m1"), range(24)))
    assert sum(is_new for _, is_new in got) == 1
    assert len({id for id, _ in got}) == 1


def test_an_answer_is_undelivered_until_it_is_marked(database: Database) -> None:
    id, _ = _receive(database, "m1")
    with database.session() as session:
        assert [m.id for m in inbox.unanswered(session, now() - timedelta(hours=1))] == [id]
        assert inbox.unanswered(session, now() + timedelta(hours=1)) == []
        inbox.answered(session, id, ["您好", "请讲"], {"text": "你好"})
        assert inbox.unanswered(session, now() - timedelta(hours=1)) == []
    with database.session() as session:
        (message,) = inbox.undelivered(session, "web", "s")
        assert (message.reply, message.reading, message.state) == (["您好", "请讲"], {"text": "你好"}, "answered")
        inbox.mark_delivered(session, [id])
    with database.session() as session:
        assert inbox.undelivered(session, "web", "s") == []
        inbox.mark_delivered(session, [])


def test_a_failed_message_is_not_tried_again(database: Database) -> None:
    id, _ = _receive(database, "m1")
    with database.session() as session:
        inbox.failed(session, id)
        assert inbox.unanswered(session, now() - timedelta(hours=1)) == []
        assert inbox.undelivered(session, "web", "s") == []


def test_a_conversation_is_the_last_messages_oldest_first(database: Database) -> None:
    for number in range(5):
        _receive(database, f"m{number}", sender="a" if number != 2 else "b")
    with database.session() as session:
        assert [m.message_id for m in inbox.conversation(session, "web", "a", 3)] == ["m1", "m3", "m4"]

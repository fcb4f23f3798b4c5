from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from desk.database import Database, open_database
from desk.errors import DatabaseUnusable
from desk.inbox import receive
from desk.tables import Base
from desk.tickets import find_ticket


def _open(url: str) -> str:
    database = open_database(url)
    database.ping()
    database.dispose()
    return "ok"


def test_opens_twice_and_keeps_what_was_written(database_url: str) -> None:
    first = open_database(database_url)
    with first.session() as session:
        receive(session, "web", "m1", "s", "你好")
    first.dispose()
    again = open_database(database_url)
    with again.session() as session:
        assert receive(session, "web", "m1", "s", "你好")[1] is False
    again.dispose()


def test_processes_that_start_together_all_find_the_tables(database_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(6) as pool:
        assert pool.map(_open, [database_url] * 6) == ["ok"] * 6


def test_the_tables_are_those_the_code_declares(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_sqlite_waits_for_other_writers_and_writes_through(sqlite: Database) -> None:
    with sqlite.session() as session:
        values = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_makes_the_folder_of_a_sqlite_file(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path / 'a' / 'b' / 'c.sqlite'}").dispose()
    assert (tmp_path / "a" / "b" / "c.sqlite").is_file()


def test_an_error_rolls_back(database: Database) -> None:
    with pytest.raises(RuntimeError), database.session() as session:
        receive(session, "web", "m1", "s", "你好")
        raise RuntimeError
    with database.session() as session:
        assert receive(session, "web", "m1", "s", "你好")[1] is True


def test_reading_does_not_wait_for_a_writer(sqlite: Database) -> None:
    with sqlite.session() as writer:
        receive(writer, "web", "m1", "s", "你好")
        with sqlite.session(only_reads=True) as session:
            assert session.execute(text("SELECT count(*) FROM messages")).scalar() == 0


def test_moments_come_back_aware_and_in_utc(database: Database) -> None:
    with database.session() as session:
        message, _ = receive(session, "web", "m1", "s", "你好")
    with database.session() as session:
        again, _ = receive(session, "web", "m1", "s", "你好")
        assert again.received_at == message.received_at
        assert again.received_at.tzinfo is UTC
        assert abs((datetime.now(UTC) - again.received_at).total_seconds()) < 60


def test_text_that_databases_refuse_is_cleaned(database: Database) -> None:
    with database.session() as session:
        message, _ = receive(session, "web", "m1", "s", "a\0b\ud800c")
    with database.session() as session:
        assert receive(session, "web", "m1", "s", "")[0].text == "ab?c"
    assert message.id


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:///{tmp}/broken.sqlite", "not a database"),
        ("sqlite:///{tmp}/file/desk.sqlite", "can be written"),
        ("sqlite://", "loses its tickets"),
        ("mysql://root:secret@host/x", "'mysql' is not supported"),
        ("nonsense secret", "not readable"),
        ("postgresql://me:secret@127.0.0.1:1/x", "check that the server runs"),
    ],
)
def test_a_database_that_cannot_be_opened_says_what_to_do(url: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "broken.sqlite").write_text("no database " * 500)
    (tmp_path / "file").write_text("a file, no folder")
    with pytest.raises(DatabaseUnusable, match=told) as error:
        open_database(url.format(tmp=tmp_path))
    assert "secret" not in str(error.value)


def test_tables_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'desk.sqlite'}"
    open_database(url).dispose()
    with sqlite3.connect(tmp_path / "desk.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DatabaseUnusable, match="version 9999"):
        open_database(url)


_FILES_AND_DIES = """
import os, signal, sys
from desk.config import DeskConfig
from desk.database import open_database
from desk.tickets import Draft, file_ticket
database = open_database(sys.argv[1])
with database.session() as session:
    ticket = file_ticket(session, Draft(key="k", channel="web", sender="s", text="停水", kind="help",
        department="water_supply", urgency="urgent", decision="auto"), DeskConfig())
print(ticket.number, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_accepted_ticket_survives_kill_9(database_url: str) -> None:
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", _FILES_AND_DIES, database_url], cwd=root, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(root)]))},
    )  # fmt: skip
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    database = open_database(database_url)
    with database.session() as session:
        ticket = find_ticket(session, ran.stdout.strip())
        assert ticket is not None and ticket.state == "routed"
        assert ticket.reply_due > ticket.created_at
    database.dispose()

"""Opens the ticket database: SQLite on one machine, PostgreSQL beyond it, the same code for both."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from desk.columns import to_json
from desk.errors import DatabaseUnusable, TicketChanged
from desk.schema import migrate

BUSY_MS = 10_000  # how long a writer waits for another one


class Database:
    """An open database, shared by all threads of a process."""

    def __init__(self, engine: Engine, shown: str) -> None:
        self.engine, self._shown = engine, shown
        self._writing = sessionmaker(engine, expire_on_commit=False)
        # SQLite knows one writer at a time: a session that only reads must not queue behind it
        self._reading = sessionmaker(engine.execution_options(only_reads=True), expire_on_commit=False)

    @contextmanager
    def session(self, *, only_reads: bool = False) -> Iterator[Session]:
        """Commits at the end, rolls back on an error, always closes. What was loaded stays usable after it.

        Keep it short and do not nest it: on SQLite it holds the write lock unless ``only_reads``. Raises
        :class:`DatabaseUnusable` when the database cannot be reached, is locked for 10 s, or its disk is full, and
        :class:`TicketChanged` when somebody else changed a ticket at the same moment.
        """
        session = (self._reading if only_reads else self._writing)()
        try:
            yield session
            session.commit()
        except OperationalError as error:
            session.rollback()
            raise DatabaseUnusable(f"{self._shown}: {_reason(error)}; {_remedy(self._shown)}") from error
        except StaleDataError:
            session.rollback()
            raise TicketChanged("工单刚刚被他人修改，请刷新后再操作") from None
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()

    def ping(self) -> None:
        """Asks the database for a sign of life; raises :class:`DatabaseUnusable`."""
        with self.session(only_reads=True) as session:
            session.execute(text("SELECT 1 FROM alembic_version"))

    def dispose(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Opens ``sqlite:///path`` or ``postgresql+psycopg://…`` (also ``postgresql://…``) and updates its tables.

    A missing SQLite file is made, with its folder. Safe when several processes start at once.
    Raises :class:`DatabaseUnusable` naming the database (its password hidden), the reason and the remedy.
    """
    address = _address(url)
    shown = address.render_as_string(hide_password=True)
    sqlite = address.get_backend_name() == "sqlite"
    try:
        if sqlite:
            Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = _engine(address, sqlite)
        try:
            migrate(engine)
        except BaseException:
            engine.dispose()
            raise
    except DBAPIError as error:
        raise DatabaseUnusable(f"{shown}: {_reason(error)}; {_remedy(shown)}") from None
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusable(f"{shown}: {error}; {_remedy(shown)}") from None
    return Database(engine, shown)


def _address(url: str) -> URL:
    known = "sqlite:///path/to/file or postgresql+psycopg://user:password@host/name"
    try:
        address = make_url(url)
    except ArgumentError:
        # the text may hold a password: it is not repeated
        raise DatabaseUnusable(f"the database address is not readable; write it as {known}") from None
    if address.drivername in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise DatabaseUnusable(f"database address: '{address.drivername}' is not supported; write it as {known}")
    if address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:"):
        raise DatabaseUnusable(f"database address: a database in memory loses its tickets; write it as {known}")
    return address


def _engine(address: URL, sqlite: bool) -> Engine:
    options: dict[str, Any] = {
        "json_serializer": to_json,
        "pool_size": 10,
        "max_overflow": 40,
        "pool_pre_ping": not sqlite,
    }
    if sqlite:
        options["connect_args"] = {"timeout": BUSY_MS / 1000}
    else:
        options["connect_args"] = {"connect_timeout": 10}
    try:
        engine = create_engine(address, **options)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseUnusable(f"{address.drivername}: the driver is not installed ({error}); run `make run`") from None
    if sqlite:
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    """A fresh SQLite connection: we begin transactions ourselves, and a committed ticket survives power loss."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    patience = time.monotonic() + BUSY_MS / 1000
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:  # the switch does not wait for others by itself
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > patience:
                raise
            time.sleep(0.05)
        else:
            break
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    # a transaction that reads first and writes later would fail at once when another one wrote in between
    only_reads = connection.get_execution_options().get("only_reads")
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _reason(error: DBAPIError) -> str:
    # only the driver's own words: the statement may carry a resident's text
    return " ".join(str(error.orig).split())


def _remedy(shown: str) -> str:
    if shown.startswith("sqlite"):
        return "check that file and folder can be written, the disk has room and no other program locks it"
    return "check that the server runs and that the address, user and password in MINYI_DATABASE_URL are right"

"""A fresh database a test, the mini city once a session."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from desk_helpers import PASSWORD, TOKEN, make_app, served, tiny_reader
from sqlalchemy import create_engine, text

from desk import people
from desk.config import DeskConfig
from desk.database import Database, open_database
from desk.people import add_user
from desk.tickets import Draft
from nlu.reader import Reader


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same argon2id, without the work that makes guessing slow."""
    monkeypatch.setattr(people, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    people._nobody.cache_clear()


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A real model of the mini city."""
    return tiny_reader(tmp_path_factory.mktemp("city"))


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An address of an empty database; on PostgreSQL a schema of its own, dropped afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'desk.sqlite'}"
        return
    address = os.environ.get("TEST_POSTGRES")
    if not address:
        pytest.skip("PostgreSQL is tested when TEST_POSTGRES holds an SQLAlchemy address of a scratch database")
    name = f"desk_{uuid.uuid4().hex[:12]}"
    admin = create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    yield f"{address}{'&' if '?' in address else '?'}options=-csearch_path%3D{name}"
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    admin.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """For tests where the kind of database makes no difference."""
    database = open_database(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    yield database
    database.dispose()


@pytest.fixture
def config() -> DeskConfig:
    return DeskConfig()


@pytest.fixture
def draft() -> Callable[..., Draft]:
    """Makes drafts that differ in their key; any field may be given."""

    def make(**fields: Any) -> Draft:
        given: dict[str, Any] = {
            "key": uuid.uuid4().hex,
            "channel": "web",
            "sender": "resident-1",
            "text": "楼下烧烤摊占道，电话13812345678",
            "kind": "complaint",
            "department": "urban_management",
            "item": "street_stall",
            "urgency": "normal",
            "decision": "review",
            "phone": "13812345678",
        }
        return Draft(**given | fields)

    return make


@pytest.fixture
def api(reader: Reader, sqlite: Database) -> Iterator[httpx.Client]:
    """A client that carries the token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with served(make_app(reader, sqlite)) as address, httpx.Client(base_url=address, headers=headers) as client:
        yield client


@pytest.fixture
def agent(reader: Reader, sqlite: Database) -> Iterator[httpx.Client]:
    """A client of the console where alice exists and nobody is logged in."""
    with sqlite.session() as session:
        add_user(session, "alice", PASSWORD)
    with served(make_app(reader, sqlite)) as address, httpx.Client(base_url=address) as client:
        yield client

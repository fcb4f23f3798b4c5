from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from desk import logins
from desk.clock import now
from desk.database import Database
from desk.errors import PersonRefused
from desk.logins import TRIES, Entered, Refused, enter, leave, whose
from desk.people import add_user, password_fits, set_active, set_password
from desk.tables import AgentSession, LoginFailure
from minyi.commands.user import app

GOOD = "correct horse"


@pytest.fixture
def alice(database: Database) -> Database:
    with database.session() as session:
        add_user(session, "Alice", GOOD, "supervisor")
    return database


def _enter(database: Database, name: str = "alice", password: str = GOOD) -> Entered | Refused:
    with database.session() as session:
        return enter(session, name, password, 12)


def test_a_login_is_good_until_it_ends(alice: Database) -> None:
    entered = _enter(alice, "ALICE ")
    assert isinstance(entered, Entered)
    with alice.session() as session:
        login = whose(session, entered.token)
        assert login is not None and (login.user.name, login.user.role) == ("alice", "supervisor")
        assert entered.token not in login.token_hash
        leave(session, entered.token)
        assert whose(session, entered.token) is None


def test_an_expired_login_is_none(alice: Database) -> None:
    entered = _enter(alice)
    assert isinstance(entered, Entered)
    with alice.session() as session:
        login = whose(session, entered.token)
        assert login is not None
        login.expires_at = now() - timedelta(seconds=1)
    with alice.session() as session:
        assert whose(session, entered.token) is None
    _enter(alice)
    with alice.session() as session:
        assert session.query(AgentSession).count() == 1


def test_passwords_are_kept_as_argon2id(alice: Database) -> None:
    with alice.session() as session:
        user = add_user(session, "bob", GOOD)
        assert user.password_hash.startswith("$argon2id$") and GOOD not in user.password_hash
        assert not password_fits(None, "nobody has this password")


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_a_name_pauses_after_wrong_tries_known_or_not(
    alice: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [_enter(alice, name, "wrong") for _ in range(TRIES)]
    assert all(isinstance(a, Refused) for a in answers)
    assert [getattr(a, "paused", None) for a in answers] == [False] * (TRIES - 1) + [True]
    locked = _enter(alice, name, GOOD)
    assert isinstance(locked, Refused) and "之后再试" in locked.message
    later = now() + timedelta(minutes=16)
    monkeypatch.setattr(logins, "now", lambda: later)
    assert isinstance(_enter(alice, name, GOOD), Entered) == (name == "alice")


def test_a_right_try_forgets_the_wrong_ones(alice: Database) -> None:
    for _ in range(3):
        for _ in range(TRIES - 1):
            _enter(alice, password="wrong")
        assert isinstance(_enter(alice), Entered)
    with alice.session() as session:
        assert session.query(LoginFailure).count() == 0


@pytest.mark.parametrize(
    "change", [lambda s: set_active(s, "alice", False), lambda s: set_password(s, "alice", "new password")]
)
def test_disabling_and_a_new_password_end_logins(alice: Database, change: Any) -> None:
    entered = _enter(alice)
    assert isinstance(entered, Entered)
    with alice.session() as session:
        change(session)
    with alice.session() as session:
        assert whose(session, entered.token) is None
    assert isinstance(_enter(alice), Refused)


@pytest.mark.parametrize(
    ("name", "password", "role", "told"),
    [
        ("ALICE", GOOD, "agent", "exists already"),
        ("a b", GOOD, "agent", "no user name"),
        ("", GOOD, "agent", "no user name"),
        ("bob", "short", "agent", "5 characters"),
        ("bob", GOOD, "king", "'king' is unknown"),
    ],
)
def test_a_user_that_cannot_be_made_says_why(alice: Database, name: str, password: str, role: str, told: str) -> None:
    with alice.session() as session, pytest.raises(PersonRefused, match=told):
        add_user(session, name, password, role)


class TestCommand:
    @pytest.fixture(autouse=True)
    def _own_data(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for key in ("TEST_POSTGRES", "MINYI_DATABASE_URL", "MINYI_CONFIG"):
            monkeypatch.delenv(key, raising=False)
        monkeypatch.setenv("MINYI_DATA", str(tmp_path))

    def run(self, *args: str, given: str = "") -> tuple[int, str]:
        result = CliRunner().invoke(app, list(args), input=given)
        return result.exit_code, result.output + str(result.exception or "")

    @pytest.mark.parametrize(
        ("args", "given"),
        [
            (("--password", "secret123"), ""),
            ((), "secret123\nsecret123\n"),
            ((), "secret123\n"),
            (("--password-stdin",), "secret123"),
        ],
    )
    def test_adds_whichever_way_the_password_comes(self, args: tuple[str, ...], given: str) -> None:
        assert self.run("add", "alice", *args, given=given)[0] == 0
        assert "alice\tagent\tactive" in self.run("list")[1]

    @pytest.mark.parametrize(
        ("args", "given", "told"),
        [
            ((), "secret123\nsecret124\n", "different lines"),
            ((), "", "no password"),
            ((), "short\n", "5 characters"),
            (("--role", "king"), "secret123\n", "unknown"),
        ],
    )
    def test_refuses_in_one_line(self, args: tuple[str, ...], given: str, told: str) -> None:
        code, output = self.run("add", "alice", *args, given=given)
        assert code == 1 and told in output and "Traceback" not in output

    def test_a_taken_name_is_refused(self) -> None:
        self.run("add", "alice", given="secret123\n")
        code, output = self.run("add", "Alice", given="secret123\n")
        assert code == 1 and "'alice' exists already" in output

    def test_disables_enables_and_changes_the_password(self) -> None:
        self.run("add", "alice", given="secret123\n")
        assert self.run("disable", "alice")[0] == 0
        assert "disabled" in self.run("list")[1]
        assert self.run("enable", "alice")[0] == 0
        assert self.run("password", "alice", given="another one\n")[0] == 0
        assert self.run("disable", "nobody")[0] == 1

"""``minyi user``: who may work at the desk."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from minyi.settings import load_settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

app = typer.Typer(help="Agents of the desk: add, list, disable, enable, password.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="login name; case does not matter")]
Password = Annotated[
    str | None, typer.Option("--password", help="visible in the shell's history; better typed or piped in")
]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="read the password from standard input")]


@app.command("add")
def add(
    name: Name,
    role: Annotated[str, typer.Option("--role", help="agent, supervisor or admin")] = "agent",
    password: Password = None,
    password_stdin: FromStdin = False,
) -> None:
    """Adds someone who may log in at /desk. Asks for the password, or reads it from standard input."""
    from desk.people import add_user, check_name

    with _session() as session:  # a taken name is told before a password is asked for
        check_name(session, name, role)
    word = _password(password, password_stdin)
    with _session() as session:
        user = add_user(session, name, word, role)
        typer.echo(f"added: {user.name} ({user.role}); log in at {load_settings().url}/desk")


@app.command("list")
def list_users() -> None:
    """Shows everyone: name, role, whether active, last login."""
    from desk.clock import iso
    from desk.people import all_users

    with _session() as session:
        for user in all_users(session):
            state = "active" if user.active else "disabled"
            typer.echo(f"{user.name}\t{user.role}\t{state}\t{iso(user.last_login_at) or 'never logged in'}")


@app.command("disable")
def disable(name: Name) -> None:
    """Takes the right to log in away and ends open logins; the history keeps the name."""
    from desk.people import set_active

    with _session() as session:
        typer.echo(f"disabled: {set_active(session, name, False).name}")


@app.command("enable")
def enable(name: Name) -> None:
    """Gives the right to log in back."""
    from desk.people import set_active

    with _session() as session:
        typer.echo(f"enabled: {set_active(session, name, True).name}")


@app.command("password")
def change_password(name: Name, password: Password = None, password_stdin: FromStdin = False) -> None:
    """Sets a new password and ends open logins."""
    from desk.people import find_user, set_password

    with _session() as session:
        find_user(session, name)
    word = _password(password, password_stdin)
    with _session() as session:
        typer.echo(f"password changed: {set_password(session, name, word).name}")


@contextmanager
def _session() -> Iterator[Session]:
    from desk.database import open_database

    database = open_database(load_settings().database)
    try:
        with database.session() as session:
            yield session
    finally:
        database.dispose()


def _password(given: str | None, from_stdin: bool) -> str:
    """The password: as given, from a pipe (one line, or the same line twice), or typed twice."""
    from desk.errors import PersonRefused
    from desk.people import check_password

    if given is not None:
        check_password(given)
        return given
    if sys.stdin.isatty() and not from_stdin:
        word: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        lines = [line.rstrip("\r\n") for line in sys.stdin.readlines(4096)]
        while lines and not lines[-1]:
            lines.pop()
        if not lines:
            raise PersonRefused(
                "standard input holds no password; type it on a terminal, or pipe it in with --password-stdin"
            )
        if len(set(lines)) > 1 or len(lines) > 2:
            raise PersonRefused(
                "standard input holds different lines; give the password in one line, or the same line twice"
            )
        word = lines[0]
    check_password(word)
    return word

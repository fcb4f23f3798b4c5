"""Logging in and staying logged in. Wrong tries are counted in the database, so that a restart forgets none."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from desk.clock import city_time, now
from desk.people import fold, password_fits
from desk.tables import AgentSession, LoginFailure, User

TRIES = 5
PAUSE = timedelta(minutes=15)
_FORGOTTEN = timedelta(days=1)  # after this long the count of a name starts over


@dataclass(frozen=True)
class Entered:
    """``token`` goes into the cookie and is kept nowhere else."""

    user: User
    token: str
    expires_at: datetime


@dataclass(frozen=True)
class Refused:
    """``message`` is for the one who tries; ``paused`` tells that the name is locked for a while."""

    message: str
    paused: bool = False


def enter(session: Session, name: str, password: str, hours: float) -> Entered | Refused:
    """Checks name and password; a refusal is a value, so that the session commits the count of wrong tries.

    After 5 wrong tries a name pauses for 15 minutes, whether such a user exists or not.
    """
    folded, moment = fold(name)[:64], now()
    failure = session.get(LoginFailure, folded, with_for_update=True)
    if failure and failure.paused_until and failure.paused_until > moment:
        until = city_time(failure.paused_until)
        return Refused(f"登录失败次数过多，请在 {until:%H:%M} 之后再试", paused=True)
    user = session.scalar(select(User).where(User.name == folded))
    if not password_fits(user, password) or user is None:
        return _wrong(session, folded, failure, moment)
    if failure:
        session.delete(failure)
    session.execute(delete(AgentSession).where(AgentSession.expires_at < moment))
    token, expires = secrets.token_urlsafe(32), moment + timedelta(hours=hours)
    session.add(
        AgentSession(
            user_id=user.id,
            token_hash=_hash(token),
            csrf=secrets.token_urlsafe(24),
            created_at=moment,
            expires_at=expires,
        )
    )
    user.last_login_at = moment
    return Entered(user, token, expires)


def whose(session: Session, token: str) -> AgentSession | None:
    """The valid login of a cookie with its user, or None."""
    found = select(AgentSession).where(AgentSession.token_hash == _hash(token)).options(joinedload(AgentSession.user))
    login = session.scalar(found)
    return login if login is not None and login.expires_at > now() and login.user.active else None


def leave(session: Session, token: str) -> None:
    """Logs out; an unknown token is no error."""
    session.execute(delete(AgentSession).where(AgentSession.token_hash == _hash(token)))


def _wrong(session: Session, folded: str, failure: LoginFailure | None, moment: datetime) -> Refused:
    session.execute(delete(LoginFailure).where(LoginFailure.last_at < moment - _FORGOTTEN, LoginFailure.name != folded))
    if failure is None:
        failure = LoginFailure(name=folded, tries=0, last_at=moment)
        session.add(failure)
    if failure.paused_until or failure.last_at < moment - _FORGOTTEN:
        failure.tries, failure.paused_until = 0, None
    failure.tries += 1
    failure.last_at = moment
    if failure.tries >= TRIES:
        failure.paused_until = moment + PAUSE
        return Refused(f"登录失败 {TRIES} 次，请 {PAUSE.seconds // 60} 分钟后再试", paused=True)
    return Refused("用户名或密码不正确")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

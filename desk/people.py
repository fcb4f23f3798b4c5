"""Who works at the desk: names, roles and passwords."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.errors import PersonRefused
from desk.tables import AgentSession, User

ROLES = {"agent": "坐席", "supervisor": "班长", "admin": "管理员"}
SHORTEST, LONGEST = 8, 256  # characters of a password
_NAME = re.compile(r"[\w.@-]{1,64}")
_hasher = PasswordHasher()  # argon2id, 64 MiB, 3 rounds


def fold(name: str) -> str:
    """A name as stored: Alice, ALICE and Alice are one person."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def add_user(session: Session, name: str, password: str, role: str = "agent") -> User:
    """Raises :class:`PersonRefused` for a taken or malformed name, an unknown role or a short password."""
    folded = check_name(session, name, role)
    check_password(password)
    user = User(name=folded, role=role, password_hash=_hasher.hash(password), active=True)
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError:  # someone else took the name a moment ago
        check_name(session, name, role)
        raise
    return user


def check_name(session: Session, name: str, role: str = "agent") -> str:
    """The name as stored; raises :class:`PersonRefused` when it cannot be given to a new user."""
    folded = fold(name)
    if not _NAME.fullmatch(folded):
        raise PersonRefused(f"'{name}' is no user name; use letters, digits and . _ @ -, at most 64")
    if role not in ROLES:
        raise PersonRefused(f"role '{role}' is unknown; choose one of {', '.join(ROLES)}")
    if _find(session, folded) is not None:
        raise PersonRefused(f"user '{folded}' exists already; choose another name, or `minyi user password {folded}`")
    return folded


def find_user(session: Session, name: str) -> User:
    """Raises :class:`PersonRefused` when there is none."""
    user = _find(session, fold(name))
    if user is None:
        raise PersonRefused(f"no user '{fold(name)}'; `minyi user list` shows all")
    return user


def all_users(session: Session) -> list[User]:
    return list(session.scalars(select(User).order_by(User.name)))


def set_active(session: Session, name: str, active: bool) -> User:
    """Disabling ends all of a user's logins at once; what they did stays on record."""
    user = find_user(session, name)
    user.active = active
    if not active:
        session.execute(delete(AgentSession).where(AgentSession.user_id == user.id))
    session.flush()
    return user


def set_password(session: Session, name: str, password: str) -> User:
    """Ends all logins of the user: whoever knew the old password is out."""
    check_password(password)
    user = find_user(session, name)
    user.password_hash = _hasher.hash(password)
    session.execute(delete(AgentSession).where(AgentSession.user_id == user.id))
    session.flush()
    return user


def check_password(password: str) -> None:
    """Raises :class:`PersonRefused` when it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PersonRefused(f"the password has {len(password)} characters; it needs {SHORTEST} to {LONGEST}")


def password_fits(user: User | None, password: str) -> bool:
    """Whether it is the user's password. As slow for an unknown or disabled user as for a known one."""
    hashed = user.password_hash if user is not None and user.active else _nobody()
    try:
        right = _hasher.verify(hashed, password[:LONGEST])
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
    return right and user is not None and user.active


def _find(session: Session, folded: str) -> User | None:
    return session.scalar(select(User).where(User.name == folded))


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash("nobody has this password")

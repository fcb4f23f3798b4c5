"""Secrets of this installation: made once, kept in the data folder, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from minyi.settings import Settings
from nlu.errors import SettingsInvalid


@dataclass(frozen=True)
class Keys:
    """``api`` is the bearer token of /api/v1, ``cookies`` signs cookies, ``engine`` guards the way to Rasa and back."""

    api: str
    cookies: str
    engine: str

    @classmethod
    def load(cls, settings: Settings) -> Keys:
        own = settings.api_token.get_secret_value() if settings.api_token else None
        folder = settings.data / "keys"
        return cls(own or _kept(folder / "api_token"), _kept(folder / "cookies"), _kept(folder / "engine"))


def _kept(path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            value = path.read_text("ascii").strip()
            if len(value) >= 32:
                return value
            path.unlink()  # a start that was cut off left it empty
            return _kept(path)
        value = secrets.token_urlsafe(32)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(value + "\n")
        return value
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{path}: cannot be read or written ({error}); check MINYI_DATA and its owner") from None

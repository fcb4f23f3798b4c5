"""Ticket numbers: ``MY261124-483920`` — the day in the city, then six digits nobody can guess in a row."""

from __future__ import annotations

import re
import secrets
import unicodedata
from datetime import datetime

from desk.clock import city_time

_DASHES = re.compile(r"[\u2010-\u2015\u2212\u2e3a\ufe58\u30fc\u4e00_~]")
_NUMBER = re.compile(r"MY(\d{6})-?(\d{6})")


def new_number(moment: datetime) -> str:
    return f"MY{city_time(moment):%y%m%d}-{secrets.randbelow(1_000_000):06d}"


def tidy(number: str) -> str | None:
    """The number as stored, however people write it (case, blanks, full-width, hyphens); None for anything else."""
    flat = _DASHES.sub("-", re.sub(r"\s", "", unicodedata.normalize("NFKC", number))).upper()
    match = _NUMBER.fullmatch(re.sub("-+", "-", flat))
    return f"MY{match[1]}-{match[2]}" if match else None

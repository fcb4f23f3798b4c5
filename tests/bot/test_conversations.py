"""Conversations in YAML against the real Rasa, our actions and the shipped models.

A file holds a list of conversations: ``name`` and ``turns``. A turn has ``say`` and what the replies together must do: ``has`` (all of
these stand in them), ``any`` (one of them stands in them), ``not`` (none of them). ``{number}`` is the number of the last ticket seen. ``ticket`` compares fields of that
ticket as the API tells it. ``by`` names another resident who speaks this turn.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.service import API_TOKEN, Service, Talker

FOLDER = Path(__file__).parent / "conversations"
CASES = [(path.stem, case) for path in sorted(FOLDER.glob("*.yml")) for case in yaml.safe_load(path.read_text("utf-8"))]
NUMBER = re.compile(r"MY\d{6}-\d{6}")

pytestmark = pytest.mark.rasa


@pytest.mark.parametrize(("file", "case"), CASES, ids=[f"{file}: {case['name']}" for file, case in CASES])
def test_conversation(service: Service, file: str, case: dict[str, Any]) -> None:
    talkers: dict[str, Talker] = {}
    number = ""
    for turn in case["turns"]:
        said = turn["say"].replace("{number}", number)
        replies = talkers.setdefault(turn.get("by", ""), service.talker()).say(said)
        heard = "\n".join(replies)
        number = found[-1] if (found := NUMBER.findall(heard)) else number
        where = f"{file}: {case['name']}\n我> {said}\n民> {heard}\n"
        for words in _list(turn.get("has")):
            assert words.replace("{number}", number) in heard, f"{where}lacks {words!r}"
        if turn.get("any"):
            assert any(words in heard for words in turn["any"]), f"{where}has none of {turn['any']}"
        for words in _list(turn.get("not")):
            assert words not in heard, f"{where}has {words!r}"
        if turn.get("ticket"):
            _compare(service, number, turn["ticket"], where)
    for talker in talkers.values():
        talker.close()


def _compare(service: Service, number: str, expected: dict[str, Any], where: str) -> None:
    headers = {"Authorization": f"Bearer {API_TOKEN}"}
    ticket = httpx.get(f"{service.url}/api/v1/tickets/{number}", headers=headers, trust_env=False).json()
    for key, value in expected.items():
        found = (
            (ticket.get("place") or {}).get(key.removeprefix("place.")) if key.startswith("place.") else ticket.get(key)
        )
        if isinstance(value, list):
            assert found in value, f"{where}{key} is {found!r}, expected one of {value}"
        else:
            assert found == value, f"{where}{key} is {found!r}, expected {value!r}"


def _list(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])

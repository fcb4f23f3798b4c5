"""Every sentence the code says stands in wording.yml with exactly the placeholders given, and none stands there unused."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from bot.wording import say, sentences

BOT = Path(__file__).resolve().parents[2] / "bot"
TREES = [(path, ast.parse(path.read_text("utf-8"))) for path in sorted(BOT.rglob("*.py"))]


def _calls() -> Iterator[tuple[str, str, set[str]]]:
    """Where, which key, and the names given, of every ``say("key", …)``."""
    for path, tree in TREES:
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "say"
                and isinstance(node.args[0], ast.Constant)
            ):
                yield f"{path.name}:{node.lineno}", node.args[0].value, {str(word.arg) for word in node.keywords}


def _placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def _used() -> set[str]:
    """Keys that stand in the code, whole or as the beginning of a key that is put together there."""
    used: set[str] = set()
    for _, tree in TREES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant) and len(node.values) > 1:
                used |= {
                    key
                    for key in sentences()
                    if len(node.values[0].value) >= 4 and key.startswith(node.values[0].value)
                }
    return used


CALLS = list(_calls())


@pytest.mark.parametrize(("where", "key", "names"), CALLS, ids=[f"{where} {key}" for where, key, _ in CALLS])
def test_what_is_said_can_be_said(where: str, key: str, names: set[str]) -> None:
    assert key in sentences(), f"{where}: no sentence '{key}'"
    assert names == _placeholders(sentences()[key]), f"{where}: '{key}' is filled in with other names than it has"


def test_no_sentence_is_left_over() -> None:
    assert set(sentences()) - _used() == set()


def test_the_ways_of_asking_again() -> None:
    for code in ("place", "time", "phone", "other"):
        assert not _placeholders(sentences()[f"ask_again_{code}"])


def test_an_unknown_sentence_is_a_bug() -> None:
    with pytest.raises(KeyError):
        say("no such sentence")

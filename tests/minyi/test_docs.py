"""What the pages say exists: commands, options, settings, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from minyi.cli import app
from minyi.settings import ROOT, Settings, load_settings

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "models" / "README.md"])
EXAMPLE = ROOT / "minyi.example.toml"
COMMANDS = typer.main.get_command(app)
SETTINGS = {f"MINYI_{name.upper()}" for name in Settings.model_fields}

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def calls(page: Path) -> Iterator[list[str]]:
    """Every ``minyi …`` in code: the words after it, without comments and arguments in quotes."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    for line in [line for block in blocks for line in block.splitlines()] + spans:
        called = re.match(r"(?:ExecStart=|[$] |[A-Z_]+=\S+ )*(?:\S*/)?minyi( .*|$)", line.strip())
        if called:
            yield re.sub(r'"[^"]*"', "TEXT", called[1].split(" #")[0].split(" | ")[0]).split()


def find(words: list[str]) -> tuple[Any, list[str]]:
    """The command that ``words`` name, and what is left of them. Raises LookupError."""
    command: Any = COMMANDS
    rest = list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            raise LookupError(f"no command {rest[0]}")
        command = command.commands[rest.pop(0)]
    return command, rest


@by_page
def test_every_command_and_option_exists(page: Path) -> None:
    wrong = []
    for words in calls(page):
        words = [part for word in words for part in word.split("|")]  # list|promote|rollback
        try:
            command, rest = find(words)
        except LookupError as error:
            wrong.append(f"minyi {' '.join(words)}: {error}")
            continue
        known = {"--help"} | {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
        wrong += [f"minyi {' '.join(words)}: no option {w}" for w in rest if w.startswith("--") and w not in known]
    assert not wrong


def test_the_pages_do_name_commands() -> None:
    assert sum(len(list(calls(page))) for page in PAGES) > 30
    with pytest.raises(LookupError):
        find(["models", "burn"])


@by_page
def test_every_setting_named_exists(page: Path) -> None:
    named = set(re.findall(r"\bMINYI_[A-Z_]*[A-Z]\b", page.read_text("utf-8")))
    assert named - SETTINGS - {"MINYI_CONFIG"} == set()


def test_every_setting_is_explained() -> None:
    assert re.findall(r"(?m)^# (\w+) = ", EXAMPLE.read_text("utf-8")) == list(Settings.model_fields)
    operations = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert {name for name in SETTINGS if not re.search(rf"{name}\b", operations)} == set()


def test_the_example_uncommented_holds_the_defaults(clean_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean_settings.write_text(re.sub(r"(?m)^# (\w+ = )", r"\1", EXAMPLE.read_text("utf-8")), "utf-8")
    monkeypatch.setenv("MINYI_CONFIG", str(clean_settings))
    settings = load_settings()
    assert settings.model_fields_set == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, Path):
            value = ROOT / value
        assert value == field.default or (field.default is None and not value), name


@by_page
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if link and not (page.parent / link).exists()] == []

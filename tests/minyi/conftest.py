"""Commands run in this process, in a folder of their own, with no setting but those a test gives."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from minyi.cli import main
from nlu import store
from nlu.store import Model


@pytest.fixture(autouse=True)
def clean_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No ``MINYI_…`` from outside; an empty settings file, whose path this is."""
    for name in [name for name in os.environ if name.upper().startswith("MINYI_")]:
        monkeypatch.delenv(name)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    file = tmp_path / "work" / "minyi.toml"
    file.write_text("")
    return file


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], city_folder: Path, model: Model, tmp_path: Path
) -> Callable[..., Ran]:
    """``run("read", "…")``: the command line with the invented city and its model in service."""
    models = tmp_path / "models"
    store.save(replace(model, card={**model.card, "version": "v1", "created": "1"}), models / "v1")
    store.promote(models, "v1")
    for name, value in {
        "MINYI_MODELS": models,
        "MINYI_TRAINING_DATA": city_folder,
        "MINYI_DATA": tmp_path / "data",
    }.items():
        monkeypatch.setenv(name, str(value))

    def command(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["minyi", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0 if code is None else 1, captured.out, captured.err)

    return command

"""A start that cannot succeed says why in one line and fails; nothing is left running."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import ROOT, Service


def up(service: Service) -> tuple[int, list[str]]:
    """Exit status and the lines on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "minyi", "up"],
        cwd=ROOT,
        env=service.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, [line for line in done.stderr.splitlines() if line.strip()]


def test_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        service = Service(tmp_path, port=other.getsockname()[1])
        status, lines = up(service)
    assert status == 1 and len(lines) == 1
    assert str(service.port) in lines[0] and "MINYI_PORT" in lines[0]


def test_unknown_setting(tmp_path: Path) -> None:
    status, lines = up(Service(tmp_path, extra={"MINYI_PROT": "8000"}))
    assert status == 1 and len(lines) == 1 and "MINYI_PROT" in lines[0]


def test_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    status, lines = up(Service(tmp_path / "other", extra={"MINYI_DATA": str(tmp_path / "file" / "data")}))
    assert status == 1 and len(lines) == 1 and "MINYI_DATA" in lines[0]


def test_full_disk(tmp_path: Path) -> None:
    status, lines = up(Service(tmp_path, extra={"MINYI_MIN_FREE_MB": "100000000"}))
    assert status == 1 and len(lines) == 1 and "free" in lines[0]


def test_missing_interpreter_of_the_dialogue_engine(tmp_path: Path) -> None:
    status, lines = up(Service(tmp_path, extra={"MINYI_RASA_PYTHON": str(tmp_path / "no-python")}))
    assert status == 1 and len(lines) == 1 and "no-python" in lines[0]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of the models that a test may break."""
    copy = tmp_path / "models"
    shutil.copytree(ROOT / "models", copy, ignore=shutil.ignore_patterns("vectors.sqlite"))
    return copy


def test_damaged_reader(tmp_path: Path, models: Path) -> None:
    weights = models / (models / "current").read_text().split()[0] / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    status, lines = up(Service(tmp_path / "data", extra={"MINYI_MODELS": str(models)}))
    assert status == 1 and "weights.safetensors" in lines[-1] and "minyi" in lines[-1]
    assert len(lines) <= 2


def test_damaged_dialogue_model(tmp_path: Path, models: Path) -> None:
    for path in (models / "dialogue").glob("*.tar.gz"):
        path.write_bytes(b"broken")
    status, lines = up(Service(tmp_path / "data", extra={"MINYI_MODELS": str(models)}))
    assert status == 1 and len(lines) == 1 and "tar.gz" in lines[0]


def test_a_second_start_on_the_same_data_is_refused(tmp_path: Path) -> None:
    first = Service(tmp_path / "data").start()
    status, lines = up(Service(tmp_path / "data"))
    first.stop()
    assert status == 1 and len(lines) == 1 and "MINYI_DATA" in lines[0]

"""The runtime's lock file stands by itself: what only the tests install hides a package that `make run` lacks."""

from __future__ import annotations

from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).resolve().parents[2] / "requirements" / "minyi.lock"
WITH_PYTHON = {"setuptools", "pip", "wheel"}  # every virtual environment of Python 3.11 has them


def test_everything_the_runtime_needs_is_locked_with_it() -> None:
    names = [line.split("==")[0] for line in LOCK.read_text("utf-8").splitlines() if "==" in line]
    locked = {canonicalize_name(name) for name in names} | WITH_PYTHON
    wanted = [(name, Requirement(text)) for name in [*names, "minyi"] for text in requires(name) or []]
    missing = {
        f"{name} needs {need.name}"
        for name, need in wanted
        if (need.marker is None or need.marker.evaluate({"extra": ""})) and canonicalize_name(need.name) not in locked
    }
    assert missing == set()

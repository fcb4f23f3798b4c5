from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service of its own for tests that break it."""
    running = Service(tmp_path / "data").start()
    yield running
    if running.process and running.process.poll() is None:
        running.stop()

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service import Service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One real service for all conversations; each uses a visitor of its own."""
    running = Service(tmp_path_factory.mktemp("service")).start()
    yield running
    running.stop()

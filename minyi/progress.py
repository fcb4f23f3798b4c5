"""Progress on stderr: a bar where a person watches, plain lines now and then where a log does."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Meter:
    """``meter(what, share)`` with share 0..1; never raises."""

    def __init__(self, bar: Progress | None) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=1.0) if bar else None
        self._told = ("", 0.0)

    def __call__(self, what: str, share: float) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=what, completed=min(1.0, share))
        elif what != self._told[0] or time.monotonic() - self._told[1] > 15:
            self._told = (what, time.monotonic())
            print(f"{share:4.0%} {what}", file=sys.stderr, flush=True)


@contextmanager
def meter() -> Iterator[Meter]:
    """A progress display that ends with the block."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Meter(None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=False) as bar:
        yield Meter(bar)

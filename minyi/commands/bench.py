"""``minyi bench``: measures accuracy, speed and the shipped texts, from a clone."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from typing import Annotated

import typer

from minyi.settings import ROOT
from nlu.errors import MinyiError


class What(StrEnum):
    accuracy = "accuracy"
    speed = "speed"
    dataset = "dataset"


def bench(what: Annotated[What, typer.Argument(help="what to measure")] = What.speed) -> None:
    """Measures accuracy, the shipped texts (both beside real files where they are) or speed; figures go to stdout and docs/."""
    if not (ROOT / "bench" / f"{what.value}.py").is_file():
        raise MinyiError(f"{ROOT / 'bench'}: measurements are part of the repository; run this from a clone")
    raise typer.Exit(subprocess.run([sys.executable, "-m", f"bench.{what.value}"], cwd=ROOT).returncode)

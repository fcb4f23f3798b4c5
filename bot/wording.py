"""The sentences of the bot, read once from ``dialogue/wording.yml``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

_FILE = Path(__file__).parent / "dialogue" / "wording.yml"


@lru_cache(maxsize=1)
def sentences() -> dict[str, str]:
    """Key → sentence with ``{names}`` to fill in."""
    return {str(k): str(v) for k, v in yaml.safe_load(_FILE.read_text("utf-8")).items()}


def say(key: str, **values: object) -> str:
    """The sentence ``key``, filled in. Raises KeyError for a key or a value that is missing: a bug of ours."""
    return sentences()[key].format(**values)

"""Reading what people wrote in YAML: entries with the line they stand on, and every fault of a folder told at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from nlu.errors import DataMalformed

CODE = re.compile(r"[a-z][a-z0-9_]{1,60}")
# what a key holds; text where it is not named here
_HOLDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(
        (
            *("call", "said", "details", "co_departments", "cues", "aliases", "subdistricts", "districts", "questions"),
            *("items", "departments", "places", "communities", "into"),
        ),
        (list,),
    ),
    "fallback": (bool,),
    "enough": (int,),
    "anonymous": (bool,),
    "reply_hours": (int, float),
    "ask": (dict,),
    "date": (str, date),
    "version": (str, int, float),
}
_NAMES = {bool: "true or false", int: "a number", dict: "keys with values", date: "a date"}


class _Lines(yaml.CSafeLoader):
    """Remembers the line each mapping starts on, as the key ``__line__``; refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.MarkedYAMLError(problem=f"key '{key}' is given twice", problem_mark=node.start_mark)
        mapping = super().construct_mapping(node, deep=deep)
        mapping["__line__"] = node.start_mark.line + 1
        return mapping


def load_list(path: Path, faults: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of a YAML list of mappings as ``("file:line", entry)``; faults are appended, not raised."""
    try:
        # _Lines is a safe loader; libyaml makes it ten times faster
        entries = yaml.load(path.read_text("utf-8"), Loader=_Lines)  # noqa: S506
    except FileNotFoundError:
        faults.append(f"{path}: the file is missing")
        return
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        faults.append(f"{where}: not readable as YAML ({getattr(error, 'problem', None) or error})")
        return
    if not isinstance(entries, list):
        faults.append(f"{path}:1: expected a list of entries, found {type(entries).__name__}")
        return
    for entry in entries:
        if isinstance(entry, dict):
            yield f"{path}:{entry.pop('__line__')}", entry
        else:
            faults.append(f"{path}: expected entries with keys, found {entry!r}")


class Checker:
    """Collects faults while entries are turned into records."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def fault(self, where: str, what: str) -> None:
        self.faults.append(f"{where}: {what}")

    def entry(
        self, where: str, entry: dict[str, Any], required: set[str], optional: set[str], seen: dict[str, str]
    ) -> bool:
        """True when keys, code and uniqueness are in order."""
        before = len(self.faults)
        self.keys(where, entry, required, optional, nested={"subdistricts"})
        code = entry.get("code")
        if code is not None:
            if not isinstance(code, str) or not CODE.fullmatch(code):
                self.fault(where, f"code {code!r} must be lower-case letters, digits and _")
            elif code in seen:
                self.fault(where, f"code '{code}' is already used at {seen[code]}")
            else:
                seen[code] = where
        return len(self.faults) == before

    def keys(
        self,
        where: str,
        entry: dict[str, Any],
        required: set[str],
        optional: set[str],
        nested: Collection[str] = (),
    ) -> bool:
        """True when all keys are there, known and filled with what they should hold; ``nested`` are those that hold lists of entries."""
        before = len(self.faults)
        code = next((entry[key] for key in ("code", "id", "item", "department", "name") if entry.get(key)), "?")
        for key in sorted(required - entry.keys()):
            self.fault(where, f"'{code}' has no {key}")
        for key in sorted(entry.keys() - required - optional):
            self.fault(where, f"unknown key '{key}'; known: {', '.join(sorted(required | optional))}")
        for key, value in entry.items():
            if key in required - {"code"} and value in (None, "", []) and key != "into":
                self.fault(where, f"'{code}' has an empty {key}")
            elif key != "code" and value is not None:
                self._holds(where, code, key, value, key in nested)
        return len(self.faults) == before

    def _holds(self, where: str, code: object, key: str, value: object, nested: bool) -> None:
        wanted = _HOLDS.get(key, (str,))
        if not isinstance(value, wanted):
            what = "a list" if list in wanted else _NAMES.get(wanted[0], "text (in quotes)")
            self.fault(where, f"'{code}' has {key} {value!r}, expected {what}")
        elif isinstance(value, list) and any(isinstance(v, dict) != nested or isinstance(v, list) for v in value):
            what = "entries" if nested else "texts"
            self.fault(where, f"'{code}' has {key} {value!r}, expected a list of {what}")

    def known(self, where: str, what: str, codes: object, among: object) -> None:
        for code in codes if isinstance(codes, list | tuple) else [codes]:
            if code not in among:  # type: ignore[operator]
                self.fault(where, f"unknown {what} '{code}'")

    def finish(self) -> None:
        if self.faults:
            shown = self.faults[:40]
            more = [f"… and {len(self.faults) - 40} more"] if len(self.faults) > 40 else []
            raise DataMalformed("\n".join(shown + more))

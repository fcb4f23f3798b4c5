"""The city as data: departments, items (事项), details to ask for, hazards. Read once, checked whole.

Every fault names file and line, and all faults of a folder are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml

from nlu.errors import DataMalformed
from nlu.reading import URGENCIES, Urgency
from nlu.text import normalise

Level = Literal["city", "district", "subdistrict"]
LEVELS: dict[Level, str] = {"city": "市", "district": "区", "subdistrict": "街道"}
OUT_OF_SCOPE = "out_of_scope"  # matters the hotline may not handle: courts, arbitration, discipline
CODE = re.compile(r"[a-z][a-z0-9_]{1,60}")
# what a key holds; text where it is not named here
_HOLDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(
        ("call", "said", "details", "co_departments", "cues", "aliases", "subdistricts", "districts", "questions"),
        (list,),
    ),
    "fallback": (bool,),
    "enough": (int,),
    "anonymous": (bool,),
    "reply_hours": (int, float),
    "ask": (dict,),
    "date": (str, date),
}
_ITEM_MAY = {
    "excludes",
    "level",
    "anonymous",
    "ground",
    "reply_hours",
    "co_departments",
    "urgency",
    "details",
    "ask",
}
_NAMES = {bool: "true or false", int: "a number", dict: "keys with values", date: "a date"}


@dataclass(frozen=True)
class Department:
    code: str
    name: str
    full_name: str
    duties: str
    fallback: bool = False


@dataclass(frozen=True)
class Detail:
    """Something that may be missing from a complaint; ``question`` is how a resident is asked for it.

    ``said`` are regular expressions over normalised text that find it where it was already said; ``enough`` is the number of
    characters from which a text counts as saying it (0: never).
    """

    code: str
    name: str
    question: str
    said: tuple[re.Pattern[str], ...] = ()
    enough: int = 0

    def find(self, text: str) -> str | None:
        """The stretch of ``text`` that says this detail, or None."""
        flat = normalise(text)
        for pattern in self.said:
            if match := pattern.search(flat):
                return text[match.start() : match.end()]
        return text if self.enough and len(text.strip()) >= self.enough else None


@dataclass(frozen=True)
class Item:
    """A matter residents bring; ``details`` are detail codes in the order asked.

    ``about`` says in residents' words what belongs to it, ``excludes`` what does not and who owns that. ``level`` is who handles it day to
    day. ``anonymous`` tells whether it can be handled without knowing who asks. ``reply_hours`` replaces the usual time for an answer.
    """

    code: str
    name: str
    department: str
    about: str
    group: str
    excludes: str = ""
    level: Level = "city"
    anonymous: bool = True
    ground: str = ""  # the law or rule it rests on, in a word
    reply_hours: float | None = None
    urgency: Urgency = "normal"
    details: tuple[str, ...] = ()
    co_departments: tuple[str, ...] = ()
    ask: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hazard:
    """A danger with whom to call; ``call`` are telephone numbers as strings."""

    code: str
    name: str
    call: tuple[str, ...]
    advice: str
    department: str


@dataclass(frozen=True)
class Catalogue:
    """``groups`` are names of topics by code, the first of two levels; items are the second."""

    groups: dict[str, str]
    departments: dict[str, Department]
    items: dict[str, Item]
    details: dict[str, Detail]
    hazards: dict[str, Hazard]

    @property
    def fallback(self) -> str:
        """Code of the department that receives what nobody else owns."""
        return next(code for code, department in self.departments.items() if department.fallback)

    def department_name(self, code: str) -> str:
        return self.departments[code].name if code in self.departments else code

    def item_name(self, code: str) -> str:
        return self.items[code].name if code in self.items else code

    def question(self, item: str | None, detail: str) -> str:
        """How to ask for ``detail``: the item's own wording, else the standard one."""
        own = self.items[item].ask.get(detail) if item in self.items else None
        return own or self.details[detail].question


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


class _Checker:
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
        for key in sorted(required - entry.keys()):
            self.fault(where, f"'{entry.get('code', '?')}' has no {key}")
        for key in sorted(entry.keys() - required - optional):
            self.fault(where, f"unknown key '{key}'; known: {', '.join(sorted(required | optional))}")
        code = entry.get("code")
        if code is not None:
            if not isinstance(code, str) or not CODE.fullmatch(code):
                self.fault(where, f"code {code!r} must be lower-case letters, digits and _")
            elif code in seen:
                self.fault(where, f"code '{code}' is already used at {seen[code]}")
            else:
                seen[code] = where
        for key, value in entry.items():
            if key in required - {"code"} and value in (None, "", []):
                self.fault(where, f"'{code}' has an empty {key}")
            elif key != "code" and value is not None:
                self._holds(where, code, key, value)
        return len(self.faults) == before

    def _holds(self, where: str, code: object, key: str, value: object) -> None:
        wanted = _HOLDS.get(key, (str,))
        if not isinstance(value, wanted):
            what = "a list" if list in wanted else _NAMES.get(wanted[0], "text (in quotes)")
            self.fault(where, f"'{code}' has {key} {value!r}, expected {what}")
        elif isinstance(value, list) and any(
            isinstance(v, dict) != (key == "subdistricts") or isinstance(v, list) for v in value
        ):
            self.fault(
                where,
                f"'{code}' has {key} {value!r}, expected a list of {'entries' if key == 'subdistricts' else 'texts'}",
            )

    def known(self, where: str, what: str, codes: object, among: object) -> None:
        for code in codes if isinstance(codes, list | tuple) else [codes]:
            if code not in among:  # type: ignore[operator]
                self.fault(where, f"unknown {what} '{code}'")

    def finish(self) -> None:
        if self.faults:
            shown = self.faults[:40]
            more = [f"… and {len(self.faults) - 40} more"] if len(self.faults) > 40 else []
            raise DataMalformed("\n".join(shown + more))


def load_catalogue(folder: Path) -> Catalogue:
    """Reads ``groups.yml``, ``departments.yml``, ``details.yml``, ``hazards.yml`` and ``items/*.yml`` under ``folder``.

    Raises :class:`DataMalformed` with every fault found, each with file and line.
    """
    check = _Checker()
    seen: dict[str, str] = {}
    departments: dict[str, Department] = {}
    for where, entry in load_list(folder / "departments.yml", check.faults):
        if check.entry(where, entry, {"code", "name", "full_name", "duties"}, {"fallback"}, seen):
            departments[entry["code"]] = Department(**entry)
    if (departments or not check.faults) and sum(d.fallback for d in departments.values()) != 1:
        check.fault(str(folder / "departments.yml"), "exactly one department must have fallback: true")

    seen, groups = {}, {}
    for where, entry in load_list(folder / "groups.yml", check.faults):
        if check.entry(where, entry, {"code", "name"}, set(), seen):
            groups[entry["code"]] = entry["name"]

    seen, details = {}, {}
    for where, entry in load_list(folder / "details.yml", check.faults):
        if check.entry(where, entry, {"code", "name", "question"}, {"said", "enough"}, seen):
            try:
                said = tuple(re.compile(pattern) for pattern in entry.pop("said", None) or [])
                details[entry["code"]] = Detail(**entry, said=said)
            except re.error as error:
                check.fault(where, f"'{entry['code']}' has a pattern in 'said' that is no regular expression: {error}")

    seen, hazards = {}, {}
    for where, entry in load_list(folder / "hazards.yml", check.faults):
        if check.entry(where, entry, {"code", "name", "call", "advice", "department"}, set(), seen):
            check.known(where, "department", entry["department"], departments)
            hazards[entry["code"]] = Hazard(**{**entry, "call": tuple(str(n) for n in entry["call"])})

    seen, items = {}, {}
    files = sorted((folder / "items").glob("*.yml"))
    if not files:
        check.fault(str(folder / "items"), "no item files (*.yml) found")
    for path in files:
        for where, entry in load_list(path, check.faults):
            if not check.entry(where, entry, {"code", "name", "department", "about", "group"}, _ITEM_MAY, seen):
                continue
            check.known(where, "group", entry["group"], groups)
            check.known(where, "level", entry.get("level", "city"), LEVELS)
            if not 0 < entry.get("reply_hours", 1) <= 24 * 90:
                check.fault(where, f"'{entry['code']}' has reply_hours {entry['reply_hours']}, expected 1 to 2160")
            check.known(where, "department", entry["department"], departments)
            check.known(where, "department", entry.get("co_departments", []), departments)
            check.known(where, "detail", entry.get("details", []), details)
            check.known(where, "urgency", entry.get("urgency", "normal"), URGENCIES)
            ask = {k: v for k, v in (entry.pop("ask", None) or {}).items() if k != "__line__"}
            check.known(where, "detail", list(ask), details)
            items[entry["code"]] = Item(
                **{
                    **entry,
                    "details": tuple(entry.get("details", [])),
                    "ask": ask,
                    "co_departments": tuple(entry.get("co_departments", [])),
                }
            )
    check.finish()
    return Catalogue(groups, departments, items, details, hazards)

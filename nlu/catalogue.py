"""The city as data: departments, items (事项), details to ask for, hazards. Read once, checked whole.

Every fault names file and line, and all faults of a folder are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nlu.changelog import Changelog, load_changelog
from nlu.checking import Checker, load_list
from nlu.ownership import LEVELS, OUT_OF_SCOPE, Assignment, Level, Rule, assign, load_rules
from nlu.reading import URGENCIES, Urgency
from nlu.text import normalise

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


@dataclass(frozen=True)
class Department:
    """An owner of matters. ``district_unit`` is what its office in a district is called, with ``{district}`` (南山区) or ``{short}``
    (南山) in it; empty where there is none and the city's office receives everything."""

    code: str
    name: str
    full_name: str
    duties: str
    fallback: bool = False
    district_unit: str = ""


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
class Ground:
    """A ground on which the hotline does not take a matter up; ``say`` is what the resident is told, with where to turn.

    ``items`` are those of the department ``out_of_scope`` that rest on it; a ground may have none and be for agents alone.
    """

    code: str
    name: str
    say: str
    ground: str  # the law or rule, in a word
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """``groups`` are names of topics by code, the first of two levels; items are the second."""

    groups: dict[str, str]
    departments: dict[str, Department]
    items: dict[str, Item]
    details: dict[str, Detail]
    hazards: dict[str, Hazard]
    rules: tuple[Rule, ...] = ()
    grounds: dict[str, Ground] = field(default_factory=dict)
    changelog: Changelog = Changelog()

    def assign(
        self, department: str, item: str | None, place: Mapping[str, Any] | None, *, settled: bool = False
    ) -> Assignment:
        """Owner and receiving office of a matter; ``place`` as tickets keep it (``district_name`` …). ``settled``: a person chose the
        department, no rule gives it to another."""
        return assign(self.departments, self.rules, department, self.items.get(item or ""), place, settled=settled)

    def refusal(self, item: str | None) -> Ground | None:
        """The ground on which a matter of this item is not taken up."""
        return next((ground for ground in self.grounds.values() if item in ground.items), None)

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


def load_catalogue(folder: Path) -> Catalogue:
    """Reads ``groups.yml``, ``departments.yml``, ``details.yml``, ``hazards.yml`` and ``items/*.yml`` under ``folder``, and where they are
    there ``ownership.yml``, ``grounds.yml`` and ``changes.yml``.

    Raises :class:`DataMalformed` with every fault found, each with file and line.
    """
    check = Checker()
    seen: dict[str, str] = {}
    departments: dict[str, Department] = {}
    for where, entry in load_list(folder / "departments.yml", check.faults):
        if check.entry(where, entry, {"code", "name", "full_name", "duties"}, {"fallback", "district_unit"}, seen):
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
    rules = load_rules(folder / "ownership.yml", check, departments, items)
    grounds = _load_grounds(folder / "grounds.yml", check, items)
    changelog = Changelog() if check.faults else load_changelog(folder / "changes.yml", check, departments, items)
    check.finish()
    return Catalogue(groups, departments, items, details, hazards, rules, grounds, changelog)


def _load_grounds(path: Path, check: Checker, items: Mapping[str, Item]) -> dict[str, Ground]:
    if not path.exists():
        return {}
    seen: dict[str, str] = {}
    grounds: dict[str, Ground] = {}
    for where, entry in load_list(path, check.faults):
        if not check.entry(where, entry, {"code", "name", "say", "ground"}, {"items"}, seen):
            continue
        check.known(where, "item", entry.get("items") or [], items)
        for code in entry.get("items") or []:
            if code in items and items[code].department != OUT_OF_SCOPE:
                check.fault(where, f"item '{code}' belongs to {items[code].department}, not to {OUT_OF_SCOPE}")
            if any(code in other.items for other in grounds.values()):
                check.fault(where, f"item '{code}' already has another ground")
        grounds[entry["code"]] = Ground(**{**entry, "items": tuple(entry.get("items") or ())})
    for code, item in items.items():
        if item.department == OUT_OF_SCOPE and not any(code in ground.items for ground in grounds.values()):
            check.fault(str(path), f"item '{code}' of {OUT_OF_SCOPE} has no ground")
    return grounds

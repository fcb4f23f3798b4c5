"""The catalogue's change log: what every code ever meant, and what became of it.

``changes.yml`` is a list, oldest first. A version begins with an entry that has a ``date``; the entries below it say what changed. Played
from the beginning the log must give the catalogue as it is: whoever adds, renames, moves or retires a code says so, and a code that was
retired is never given to something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlu.checking import CODE, Checker, load_list

if TYPE_CHECKING:
    from nlu.catalogue import Department, Item

CHANGES = ("added", "renamed", "moved", "retired")


@dataclass(frozen=True)
class Changelog:
    """``version`` is the catalogue's; ``successors`` the codes a retired code's matters went to (none: to nobody)."""

    version: str = ""
    successors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def now(self, code: str) -> str:
        """The code that stands today for what ``code`` meant; "" where it was split, or went to nobody."""
        seen = set()
        while code in self.successors and code not in seen:
            seen.add(code)
            into = self.successors[code]
            if len(into) != 1:
                return ""
            code = into[0]
        return code


def load_changelog(
    path: Path, check: Checker, departments: Mapping[str, Department], items: Mapping[str, Item]
) -> Changelog:
    """Reads and plays the log if there is one; every difference from the catalogue goes to ``check`` with what to write."""
    if not path.exists():
        return Changelog()
    before, version, log = len(check.faults), "", _Log(check)
    for where, entry in load_list(path, check.faults):
        if "date" in entry:
            if check.keys(where, entry, {"version", "date", "why"}, set()):
                if str(entry["version"]) in log.versions:
                    check.fault(where, f"version {entry['version']} is already described")
                version = str(entry["version"])
                log.versions.add(version)
        elif not version:
            check.fault(where, "the log must begin with a version: version, date, why")
        else:
            log.play(where, entry)
    if len(check.faults) == before:
        log.compare(path, departments, items)
    return Changelog(version, log.retired)


class _Log:
    def __init__(self, check: Checker) -> None:
        self._check = check
        self.versions: set[str] = set()
        self._departments: dict[str, str] = {}  # code → name
        self._items: dict[str, tuple[str, str]] = {}  # code → (name, owner)
        self.retired: dict[str, tuple[str, ...]] = {}

    def play(self, where: str, entry: dict[str, Any]) -> None:
        change, check = entry.get("change"), self._check
        if change not in CHANGES:
            check.fault(where, f"change {change!r} must be one of {', '.join(CHANGES)}")
            return
        what = "item" if "item" in entry else "department"
        needs = {
            "added": {"name", *({"owner"} if what == "item" else ())},
            "renamed": {"name"},
            "moved": {"owner"},
            "retired": {"into"},
        }[change]
        if not check.keys(where, entry, {"change", what, *needs}, {"why"}):
            return
        code = entry[what]
        if change == "added":
            self._add(where, what, code, entry)
        elif code not in (self._items if what == "item" else self._departments):
            check.fault(where, f"{what} '{code}' does not exist at this point of the log")
        elif change == "renamed" and what == "item":
            self._items[code] = (entry["name"], self._items[code][1])
        elif change == "renamed":
            self._departments[code] = entry["name"]
        elif change == "moved" and what == "item":
            self._items[code] = (self._items[code][0], entry["owner"])
        elif change == "moved":
            check.fault(where, "only an item is moved; a department is retired into another")
        else:
            (self._items if what == "item" else self._departments).pop(code)
            self.retired[code] = tuple(entry["into"])

    def _add(self, where: str, what: str, code: str, entry: dict[str, Any]) -> None:
        if not isinstance(code, str) or not CODE.fullmatch(code):
            self._check.fault(where, f"code {code!r} must be lower-case letters, digits and _")
        elif code in self.retired:
            self._check.fault(where, f"'{code}' was retired and meant something else; take a new code")
        elif code in self._items and what == "item" or code in self._departments and what == "department":
            self._check.fault(where, f"{what} '{code}' was added before")
        elif what == "item":
            self._items[code] = (entry["name"], entry["owner"])
        else:
            self._departments[code] = entry["name"]

    def compare(self, path: Path, departments: Mapping[str, Department], items: Mapping[str, Item]) -> None:
        """Tells, for every difference, the line that is missing in the log."""
        here: dict[str, tuple[str, ...]] = {code: (d.name,) for code, d in departments.items()}
        self._differ(path, "department", {c: (n,) for c, n in self._departments.items()}, here)
        self._differ(path, "item", dict(self._items), {code: (i.name, i.department) for code, i in items.items()})
        for code, into in self.retired.items():
            for other in into:
                if other not in items and other not in departments and other not in self.retired:
                    self._check.fault(str(path), f"'{code}' was retired into '{other}', which does not exist")

    def _differ(
        self, path: Path, what: str, then: Mapping[str, tuple[str, ...]], here: Mapping[str, tuple[str, ...]]
    ) -> None:
        def missing(line: str) -> None:
            self._check.fault(str(path), f"the log does not say that {line}")

        for code in here.keys() - then.keys():
            owner = f", owner: {here[code][1]}" if what == "item" else ""
            missing(f"'{code}' is new; write {{change: added, {what}: {code}, name: {here[code][0]}{owner}}}")
        for code in then.keys() - here.keys():
            missing(f"'{code}' is gone; write {{change: retired, {what}: {code}, into: [codes that take it over]}}")
        for code in sorted(then.keys() & here.keys()):
            if then[code][0] != here[code][0]:
                missing(
                    f"'{code}' has another name; write {{change: renamed, {what}: {code}, name: {here[code][0]}}}, "
                    "or take a new code if it means something else"
                )
            if what == "item" and then[code][1] != here[code][1]:
                missing(
                    f"'{code}' has another owner; write {{change: moved, item: {code}, owner: {here[code][1]}, why: …}}"
                )

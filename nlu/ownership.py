"""Who receives a matter: owner and office, from item and place.

The item names the owner and the level that handles it day to day; the place says which district or subdistrict that is. Rules of the
city (``ownership.yml``) change owner, level or office for some items in some places. Where the place is not known well enough, the
matter goes to the next level up, which passes it on: somebody always receives it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nlu.checking import Checker, load_list
from nlu.errors import DataMalformed
from nlu.text import normalise

if TYPE_CHECKING:
    from nlu.catalogue import Department, Item
    from nlu.places import Gazetteer

OUT_OF_SCOPE = "out_of_scope"  # matters the hotline may not handle: courts, arbitration, discipline
Level = Literal["city", "district", "subdistrict"]
LEVELS: dict[Level, str] = {"city": "市", "district": "区", "subdistrict": "街道"}
_WHICH = ("items", "departments", "districts", "subdistricts", "places")
_GIVES = ("department", "level", "unit")


@dataclass(frozen=True)
class Rule:
    """What holds for some items (or all of some departments) in some places; an empty condition holds for all.

    ``places`` are words that stand in the place. ``department``, ``level`` and ``unit`` replace what the item says; None leaves it.
    """

    why: str
    source: str
    items: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()
    subdistricts: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    department: str | None = None
    level: Level | None = None
    unit: str | None = None

    def holds(self, department: str, item: str | None, place: Mapping[str, Any]) -> bool:
        if (self.items or self.departments) and item not in self.items and department not in self.departments:
            return False
        if self.districts and place.get("district") not in self.districts:
            return False
        if self.subdistricts and place.get("subdistrict") not in self.subdistricts:
            return False
        said = normalise(str(place.get("text") or ""))
        return not self.places or any(normalise(word) in said for word in self.places)


@dataclass(frozen=True)
class Assignment:
    """``unit`` is the office that receives first, at ``level``; ``wanted`` is the level that would handle it if the place were known
    well enough. ``why`` is the rule that decided, empty where none did."""

    department: str
    unit: str
    level: Level
    wanted: Level
    why: str = ""


def assign(
    departments: Mapping[str, Department],
    rules: tuple[Rule, ...],
    department: str,
    item: Item | None,
    place: Mapping[str, Any] | None,
    *,
    settled: bool = False,
) -> Assignment:
    """The first rule that holds decides. ``place`` has the keys of a ticket's place; None when nothing is known. ``settled``: a person
    chose the department, so no rule gives it to another."""
    place, code = place or {}, item.code if item else None
    fitting = (r for r in rules if r.holds(department, code, place))
    rule = next((r for r in fitting if not (settled and r.department not in (None, department))), None)
    owner = (rule and rule.department) or department
    why = rule.why if rule else ""
    if owner not in departments or owner == OUT_OF_SCOPE:  # a label of a model's own, or nobody's matter
        return Assignment(owner, "", "city", "city", why)
    known = departments[owner]
    usual: Level = "district" if known.district_unit else "city"
    wanted: Level = (rule and rule.level) or (item.level if item and item.department == owner else usual)
    if departments[owner].fallback and not (rule and rule.level):
        wanted = "subdistrict"
    if rule and rule.unit:
        return Assignment(owner, rule.unit, wanted, wanted, why)
    district, subdistrict = str(place.get("district_name") or ""), str(place.get("subdistrict_name") or "")
    if wanted == "subdistrict" and subdistrict:
        return Assignment(owner, f"{subdistrict}办事处", "subdistrict", wanted, why)
    if wanted != "city" and district and known.district_unit:
        short = district.removesuffix("特别合作区").removesuffix("新区").removesuffix("区") or district
        unit = known.district_unit.replace("{district}", district).replace("{short}", short)
        return Assignment(owner, unit, "district", wanted, why)
    return Assignment(owner, known.full_name, "city", wanted, why)


def load_rules(
    path: Path, check: Checker, departments: Mapping[str, Department], items: Mapping[str, Item]
) -> tuple[Rule, ...]:
    """Reads ``ownership.yml`` if there is one; faults go to ``check``."""
    if not path.exists():
        return ()
    rules = []
    for where, entry in load_list(path, check.faults):
        before = len(check.faults)
        check.keys(where, entry, {"why"}, {*_WHICH, *_GIVES})
        if not any(entry.get(key) for key in _WHICH):
            check.fault(where, f"a rule for nothing: give one of {', '.join(_WHICH)}")
        if not any(entry.get(key) for key in _GIVES):
            check.fault(where, f"a rule that changes nothing: give one of {', '.join(_GIVES)}")
        check.known(where, "item", entry.get("items") or [], items)
        check.known(where, "department", entry.get("departments") or [], departments)
        if entry.get("department"):
            check.known(where, "department", entry["department"], departments)
        if entry.get("level"):
            check.known(where, "level", entry["level"], LEVELS)
        if len(check.faults) == before:
            read: dict[str, Any] = {key: tuple(map(str, entry.get(key) or ())) for key in _WHICH}
            read |= {key: entry.get(key) for key in _GIVES}
            rules.append(Rule(why=entry["why"], source=where, **read))
    return tuple(rules)


def check_places(rules: tuple[Rule, ...], places: Gazetteer) -> None:
    """Raises :class:`DataMalformed` for rules that name districts or subdistricts the city does not have."""
    check = Checker()
    for rule in rules:
        check.known(rule.source, "district", rule.districts, places.districts)
        check.known(rule.source, "subdistrict", rule.subdistricts, places.subdistricts)
    if check.faults:
        raise DataMalformed("\n".join(check.faults))

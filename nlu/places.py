"""Districts, subdistricts and landmarks of the city: from a stretch of text to a jurisdiction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nlu.checking import Checker, load_list
from nlu.reading import Place
from nlu.text import normalise

# A stretch that names a spot even where no gazetteer entry is near: road, estate, building, stop, village …
_SPOT = re.compile(
    r"(?:[\u4e00-\u9fffa-z0-9]{2,10}?(?:街道|社区|大道|公路|路(?![灯边面况障线牌])|街|巷|新村|村|花园|小区|苑|大厦|广场|工业区|工业园|科技园|公园|地铁站|站|学校|小学|中学|医院|市场|商场|酒店|公寓|城|桥|隧道|口岸|码头|机场)"
    r"(?:[a-z]?\d{1,4}(?:号|栋|座|单元|楼|巷)|[a-z\d一二三四五六七八九十东南西北]{1,3}(?:口|门|期|区|栋|座|巷))*"
    r"(?:(?:附近|旁边?|对面|楼下|门口|路口|交叉口|交汇处))?)"
)
# what may follow a named place and belong to it; a verb ends it: "一巷7号 有人在楼顶养鸡"
_EXTEND = re.compile(
    r"^(?:[,、 ]?(?:(?:大道|公路|路(?![灯边面况障线牌])|街(?!道)|巷|新村|村|社区|小区)|(?:(?![有在被把没了])[\u4e00-\u9fffa-z0-9]){1,12}?(?:街道办|街道|社区|大道|公路|路(?![灯边面况障线牌])|街|巷|新村|村|花园|小区|苑|大厦|广场|工业区|工业园|科技园|公园|地铁站|站|学校|小学|中学|医院|市场|商场|酒店|公寓|城|桥|隧道|号|栋|座|单元|楼|口|门))"
    r"(?:[a-z]?\d{1,4}(?:号|栋|座|单元|楼|巷|室))*(?:附近|旁边?|对面|楼下|门口|路口|交叉口|交汇处)?)"
)
# words that end like a place and are none
_NOT_A_SPOT = re.compile(
    r"(?:网|线|思|出|套|一|走|铁|公|高速公|半|这条|那条|哪条|过马|马|上|的)路$|跳广场|天天|有人|^(?:全|本|我们?|咱们?|这个|那个|整个|一个|某个?)*(?:小区|城|市|村|路|街|巷|楼|学校|小学|中学|医院|社区|站|商场|市场|公园|大厦|公寓|酒店|工地)(?:楼下|门口|附近|旁边?|对面|里面|路口)?$"
)


@dataclass(frozen=True)
class Entry:
    name: str
    district: str | None
    subdistrict: str | None
    rank: int  # 3 subdistrict, 2 landmark, 1 district; the higher settles more


class Gazetteer:
    """Names → district and subdistrict. Ambiguous names settle only what all their meanings share."""

    def __init__(
        self,
        districts: dict[str, str],
        subdistricts: dict[str, tuple[str, str]],
        names: dict[str, Entry],
        communities: int = 0,
    ):
        self.communities = communities  # how many are known by name
        self.districts = districts  # code → name
        self.subdistricts = subdistricts  # code → (name, district code)
        self._names = names
        longest_first = sorted((re.escape(n) for n in names), key=len, reverse=True)
        self._pattern = re.compile("|".join(longest_first)) if longest_first else re.compile(r"(?!)")

    def find(self, text: str) -> Place | None:
        """The place a text speaks of, or None. Named places win over spots that only look like one."""
        flat = normalise(text)
        hits = [(m.start(), m.end(), self._names[m.group()]) for m in self._pattern.finditer(flat)]
        hits = [h for h in hits if not self._part_of_a_word(flat, h[0], h[1], h[2])]
        if hits:
            return self._from_hits(text, flat, hits)
        best = max(
            (m for m in _SPOT.finditer(flat) if not _NOT_A_SPOT.search(_trim(m.group()))),
            key=lambda m: len(m.group()),
            default=None,
        )
        if best is None:
            return None
        start = best.start() + (len(best.group()) - len(_trim(best.group())))
        return self._place(text, start, best.end(), None, None)

    def areas(self, text: str) -> list[tuple[int, int]]:
        """``(start, end)`` of the districts and subdistricts named in ``text``."""
        flat = normalise(text)
        return [(m.start(), m.end()) for m in self._pattern.finditer(flat) if self._names[m.group()].rank != 2]

    @staticmethod
    def _part_of_a_word(flat: str, start: int, end: int, entry: Entry) -> bool:
        # bare two-character aliases such as 光明, 大鹏, 和平 are also words: they count only before a spot or 区/街道
        if end - start > 2 or flat[end : end + 1] in tuple("区街镇新社"):
            return False
        return flat[start:end] in _COMMON_WORDS and not re.match(
            r"[\u4e00-\u9fff]{0,4}(?:路|街|村|社区|站|大道|小区|工业)", flat[end:]
        )

    def _from_hits(self, text: str, flat: str, hits: list[tuple[int, int, Entry]]) -> Place:
        # hits that stand together are one place; the group that is most exact and settles most wins, then the longest
        groups: list[list[tuple[int, int, Entry]]] = [[hits[0]]]
        for hit in hits[1:]:
            (groups[-1].append(hit) if hit[0] - groups[-1][-1][1] <= 6 else groups.append([hit]))
        group = max(groups, key=_exactness)
        district, subdistrict = None, None
        for _, _, entry in sorted(group, key=lambda h: -h[2].rank):
            if subdistrict is None and entry.subdistrict and (district is None or entry.district == district):
                district, subdistrict = entry.district, entry.subdistrict
            elif district is None:
                district = entry.district
        named = next((h[2].district for h in group if h[2].rank == 1), None)
        if named and named != district:  # the resident's own district wins over a landmark elsewhere
            district, subdistrict = named, None
        if district is None:  # another hit in the text may tell the district
            district = next((h[2].district for h in hits if h[2].rank == 1), None)
        start, end = group[0][0], group[-1][1]
        for _ in range(4):
            more = _EXTEND.match(flat[end:])
            if not more:
                break
            end += more.end()
        near = re.match(r"(?:附近|旁边?|对面|楼下|门口|路口|[a-z]\d?(?:出口|口)|\d+号|里面)", flat[end:])
        return self._place(text, start, end + (near.end() if near else 0), district, subdistrict)

    def _place(self, text: str, start: int, end: int, district: str | None, subdistrict: str | None) -> Place:
        return Place(
            text=text[start:end],
            start=start,
            end=end,
            district=district,
            district_name=self.districts.get(district or ""),
            subdistrict=subdistrict,
            subdistrict_name=self.subdistricts[subdistrict][0] if subdistrict else None,
        )


def _exactness(group: list[tuple[int, int, Entry]]) -> tuple[int, bool, bool, int]:
    """Of a group of hits: a subdistrict before a landmark before a district; what is settled by it; its length."""
    entries = [entry for _, _, entry in group]
    return (
        max(e.rank for e in entries),
        any(e.subdistrict for e in entries),
        any(e.district for e in entries),
        group[-1][1] - group[0][0],
    )


_COMMON_WORDS = {"光明", "大鹏", "和平", "平安", "东方", "中心", "南山", "福海", "新安", "观澜", "华强"} - {
    "南山",
    "福海",
    "观澜",
    "新安",
}
_LEAD = re.compile(
    r"^(?:我家住|我们?住在?|住在|家住|位于|在|到|去|从|就是|我们|我在|我|是|请问|反映|市民|你好|您好|他们|有人|经常|每天|昨晚|今天|现在|昨天|那个|这个|楼下|还有|关于|来电|的)+"
)


def _trim(spot: str) -> str:
    return _LEAD.sub("", spot)


def load_places(folder: Path) -> Gazetteer:
    """Reads ``districts.yml`` and ``landmarks.yml``; raises :class:`DataMalformed` naming file and line."""
    check = Checker()
    seen: dict[str, str] = {}
    districts: dict[str, str] = {}
    subdistricts: dict[str, tuple[str, str]] = {}
    communities: dict[str, set[str]] = {}
    meanings: dict[str, list[Entry]] = {}

    def name(words: list[str], entry: Entry) -> None:
        for word in {normalise(str(w)) for w in words if len(str(w)) >= 2}:
            meanings.setdefault(word, []).append(entry)

    for where, entry in load_list(folder / "districts.yml", check.faults):
        if not check.entry(where, entry, {"code", "name", "subdistricts"}, {"aliases"}, seen):
            continue
        districts[entry["code"]] = entry["name"]
        name([entry["name"], *(entry.get("aliases") or [])], Entry(entry["name"], entry["code"], None, 1))
        for sub in entry["subdistricts"]:
            spot = f"{where.rsplit(':', 1)[0]}:{sub.pop('__line__')}"
            if check.entry(spot, sub, {"code", "name"}, {"aliases", "communities"}, seen):
                subdistricts[sub["code"]] = (sub["name"], entry["code"])
                own = Entry(sub["name"], entry["code"], sub["code"], 3)
                name([sub["name"], *(sub.get("aliases") or [])], own)
                listed = communities.setdefault(sub["code"], set())
                for community in sub.get("communities") or []:
                    if not str(community).endswith("社区"):
                        check.fault(spot, f"community '{community}' must be written with 社区 at its end")
                    elif str(community) in listed:
                        check.fault(spot, f"community '{community}' is listed twice")
                    listed.add(str(community))
                name(list(sub.get("communities") or []), own)
    for where, entry in load_list(folder / "landmarks.yml", check.faults):
        if not check.entry(where, entry, {"name", "kind"}, {"aliases", "subdistrict", "district", "districts"}, {}):
            continue
        subs = [entry["subdistrict"]] if entry.get("subdistrict") else []
        homes: list[str] = entry.get("districts") or ([entry["district"]] if entry.get("district") else [])
        check.known(where, "subdistrict", subs, subdistricts)
        check.known(where, "district", homes, districts)
        if not subs and not homes:
            check.fault(where, f"'{entry['name']}' has neither subdistrict nor district")
        if check.faults:
            continue
        settled = Entry(entry["name"], subdistricts[subs[0]][1] if subs else homes[0], subs[0] if subs else None, 2)
        vague = [Entry(entry["name"], home, None, 2) for home in homes] if len(homes) > 1 else [settled]
        for meaning in vague:
            name([entry["name"], *(entry.get("aliases") or [])], meaning)
    check.finish()

    names: dict[str, Entry] = {}
    for word, entries in meanings.items():
        ranks = {e.rank for e in entries}
        best = [e for e in entries if e.rank == max(ranks)]
        shared = {e.district for e in entries}
        narrow = {e.subdistrict for e in best}
        names[word] = Entry(
            best[0].name,
            shared.pop() if len(shared) == 1 else None,
            narrow.pop() if len(narrow) == 1 and not shared else None,
            max(ranks),
        )
    return Gazetteer(districts, subdistricts, names, sum(map(len, communities.values())))

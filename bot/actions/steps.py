"""How an answer changes a draft. Pure: a draft and a message give a new draft and what to say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.actions.draft import MOST_TEXT, Draft, ask_next, take_in
from bot.actions.spoken_places import PLACE_LEAD, spoken_place, whole_place
from bot.wording import say
from nlu.catalogue import Catalogue
from nlu.moments import find_time
from nlu.reader import Reader
from nlu.text import find_phone, normalise

_EDGES = " 。.!！?？,，、"
_TRIES = 2  # how often one detail is asked before the answer is taken as it is, or left out
_STORY = 7  # letters of an answer beyond the details in it
_HOUR = re.compile(r"[\d一二两三四五六七八九十半]点|\d[:\uff1a]\d{2}|凌晨|早上|上午|中午|下午|傍晚|晚上|夜里|半夜|深夜")
# the new value stands behind the last of these words: 不是十点，是夜里一点 · 店名写错了，应该叫……
_NEW_VALUE = re.compile(
    r"^.*(?:改成|改为|改到|改做|换成|更正为|应该?[是叫系为]|其实[是在系]|不[是系][^,,。]{1,20}[,,。 ]?(?:而|应该)?[是系在叫]|唔[系係][^,,。]{1,20}[,,。 ]?[系係是])",
    re.S,
)
_LEAD = re.compile(
    r"^(?:不是|不对|错了|更正一下|更正|改成|改为|应该是|应该|是|在|就在|就是|我说的是|地点|地址|位置|时间|电话|号码|手机号?|联系电话|[::,,。 ])+"
)
_FIELDS = (
    ("phone", re.compile(r"电话|号码|手机|联系方式")),
    ("time", re.compile(r"时间|日期|几点")),
    ("place", re.compile(r"地点|地址|位置|地方|小区|街道")),
    ("text", re.compile(r"内容|事情|经过|描述")),
    ("owner", re.compile(r"部门|承办|拟转|事项|分类|不归")),
)
_NAMED_DETAILS = (
    ("merchant", re.compile(r"店名|商家|招牌|店叫|餐厅|公司名")),
    ("plate", re.compile(r"车牌")),
    ("amount", re.compile(r"金额|价钱|价格|钱数|人数|写多了|写少了")),
    ("employer", re.compile(r"公司|工厂|厂名|用人单位")),
    ("route", re.compile(r"线路|车次|班次|几路车")),
    ("school", re.compile(r"学校|幼儿园")),
    ("hospital", re.compile(r"医院|社康")),
    ("account", re.compile(r"户号")),
    ("order", re.compile(r"单号")),
    ("project", re.compile(r"小区名|工地|楼盘")),
)


@dataclass(frozen=True)
class Step:
    """Outcome of one message: the draft after it, what to say before the next question, and whether the resident confirmed."""

    draft: Draft
    say: tuple[str, ...] = ()
    confirmed: bool = False


def step(draft: Draft, intent: str, text: str, message_id: str, reader: Reader) -> Step:
    """Works one message into the draft. ``intent`` is what the arbiter made of it."""
    catalogue = reader.city.catalogue
    draft = replace(draft, seen=message_id, hinted=False)
    if intent == "correct" or (intent == "deny" and not draft.asked):
        return _correct(draft, text, reader)
    if intent == "skip" or (intent == "deny" and draft.asked and draft.asked != "text"):
        if not draft.asked:
            return Step(replace(draft, hinted=True), (say("ask_confirm"),))
        if draft.asked == "phone" and not draft.tries and not _may_be_anonymous(draft, catalogue):
            return Step(replace(draft, tries=1, hinted=True), (say("phone_needed"),))
        return Step(ask_next(_left_out(draft), catalogue))
    if intent == "affirm":
        return Step(draft, confirmed=True) if not draft.asked else _yes_to_a_question(draft, catalogue)
    if not draft.asked:  # something new at the confirmation: a value to change, another matter, or more of the story
        return _amend(draft, text, reader)
    if draft.asked == "text":
        return Step(
            ask_next(
                take_in(
                    replace(draft, details={k: v for k, v in draft.details.items() if v}), reader.read(text), catalogue
                ),
                catalogue,
            )
        )
    return _answer(draft, text, reader)


def _may_be_anonymous(draft: Draft, catalogue: Catalogue) -> bool:
    item = catalogue.items.get(draft.item or "")
    return draft.human or draft.urgency == "critical" or item is None or item.anonymous


def _left_out(draft: Draft) -> Draft:
    """The open detail is left out; of a place without a district what was said is kept."""
    said = str((draft.place or {}).get("text") or "") if draft.asked == "place" else ""
    return replace(draft, details={**draft.details, draft.asked: said})


def _yes_to_a_question(draft: Draft, catalogue: Catalogue) -> Step:
    """ "好的" to "方便留一个电话吗？": the value itself is still to come."""
    if draft.asked == "text":
        return Step(replace(draft, hinted=True), (say("ask_text"),))
    if draft.tries + 1 >= _TRIES and draft.asked != "phone":
        return Step(ask_next(_left_out(draft), catalogue))
    name = catalogue.details[draft.asked].name
    return Step(replace(draft, tries=draft.tries + 1, hinted=True), (say("ask_value", name=name),))


def _answer(draft: Draft, text: str, reader: Reader) -> Step:
    catalogue, code = reader.city.catalogue, draft.asked
    found, place = _values(text, reader)
    resolved = bool(place and place["district"])
    other = {
        k: v for k, v in found.items() if k != code and k in ("place", "time", "phone") and not draft.details.get(k)
    }
    if code != "time" and (exact := _more_exact(draft.details.get("time"), found.get("time"))):
        other["time"] = exact
    if "place" in other and not resolved:
        del other["place"]
    last = draft.tries + 1 >= _TRIES
    if code == "place":
        draft, found, place = _placed(draft, text, found, place, last)
    elif code not in found and not other and (value := _free(code, text, last)) is not None:
        found[code] = value
    given = other | ({code: found[code]} if code in found else {})
    changed = replace(
        draft, details={**draft.details, **given}, place=place if "place" in given and place else draft.place
    )
    if _tells_more(text, [*found.values(), *given.values()] if given else []):
        changed = _longer(changed, text, reader)
    if code in changed.details:
        return Step(ask_next(changed, catalogue))
    if (
        code == "place"
        and not draft.details.get("place")
        and (draft.place or {}).get("text")
        and draft.tries == 0
        and "place" not in found
        and place
    ):
        return Step(
            replace(changed, asked=code, tries=draft.tries + 1)
        )  # a spot was said: only its district is asked for
    if last:
        return Step(ask_next(_left_out(replace(changed, asked=code)), catalogue))
    if other:
        names = "、".join(catalogue.details[k].name for k in other if k in catalogue.details)
        return Step(replace(changed, asked=code, tries=draft.tries), (say("noted_detail", names=names),))
    again = f"ask_again_{code}" if code in ("place", "time", "phone") else "ask_again_other"
    if code == "phone" and not re.search(r"\d{5}", normalise(text)):
        again = "ask_again_no_phone"
    return Step(replace(changed, asked=code, tries=draft.tries + 1, hinted=True), (say(again),))


def _tells_more(text: str, given: Sequence[str]) -> bool:
    """An answer that also goes on with the story: what is not kept as a detail must not get lost."""
    if not given:
        return len(text) >= 16
    rest = text
    for value in given:
        rest = rest.replace(value, " ")
    return len(re.findall(r"\w", PLACE_LEAD.sub("", rest.strip()))) >= _STORY


def _more_exact(before: str | None, said: str | None) -> str | None:
    """ "天天" and then "晚上七点到十点": both together; None where nothing is added."""
    if not before or not said or said in before or not _HOUR.search(normalise(said)) or _HOUR.search(normalise(before)):
        return None
    return said if before in said else f"{before}{said}"


def _placed(
    draft: Draft, text: str, found: dict[str, str], place: dict[str, Any] | None, last: bool
) -> tuple[Draft, dict[str, str], dict[str, Any] | None]:
    """An answer to "where": settled, half said (then the district is asked for), or taken as it is at the second try."""
    before = str((draft.place or {}).get("text") or "")
    said = found.pop("place", None)
    if said and not find_phone(text) and (whole := whole_place(text)):
        said = whole
    if place and place["district"] and said:
        found["place"] = (
            said if not before or before in said or said in before and len(before) <= len(said) else f"{said}{before}"
        )
        return draft, found, place
    value = said or _free("place", text, last)
    if last and value:
        found["place"] = value if not before or before in value else f"{before}，{value}"
        return draft, found, place or draft.place
    return (replace(draft, place=place) if place and not before else draft), found, place


def _values(text: str, reader: Reader) -> tuple[dict[str, str], dict[str, Any] | None]:
    """Details that stand in ``text``, and the place resolved."""
    found: dict[str, str] = {}
    place = reader.city.places.find(text)
    if place and (place.district or place.subdistrict or len(place.text) >= 3):
        found["place"] = spoken_place(text, place) if not find_phone(text) else place.text
    if moment := find_time(text):
        found["time"] = moment.text
    if phone := find_phone(text):
        found["phone"] = phone[0]
    for code, detail in reader.city.catalogue.details.items():
        if detail.said and (said := detail.find(text)):
            found[code] = said
    return found, asdict(place) if place and "place" in found else None


def _free(code: str, text: str, last: bool) -> str | None:
    """An answer taken as said: short details always; place and time only at the second try; a phone never."""
    bare = text.strip(_EDGES)
    if code == "phone" or not bare:
        return None
    if code in ("place", "time"):
        return bare[:60] if last and len(bare) >= 2 else None
    return bare[:80]


def _longer(draft: Draft, text: str, reader: Reader) -> Draft:
    whole = f"{draft.text}\n{text.strip()}"[:MOST_TEXT] if draft.text else text.strip()
    return take_in(draft, reader.read(whole), reader.city.catalogue)


def _correct(draft: Draft, text: str, reader: Reader) -> Step:
    catalogue, flat = reader.city.catalogue, normalise(text)
    named = next((name for name, pattern in _FIELDS if pattern.search(flat)), None)
    detail = next((code for code, pattern in _NAMED_DETAILS if code in draft.details and pattern.search(flat)), None)
    new = _NEW_VALUE.match(flat)
    told = flat[new.end() :] if new else flat
    bare = _LEAD.sub("", told)
    rest = text[len(text) - len(bare) :].strip(_EDGES) if bare else ""  # normalising keeps the length
    found, place = _values(rest, reader) if len(rest) >= 2 else ({}, None)
    known = {k: v for k, v in found.items() if k in ("place", "time", "phone") or k in draft.details}
    if (
        named in ("place", "time")
        and named not in known
        and len(rest) >= 2
        and (new or len(rest) >= 3)
        and not re.search(r"不对|错", normalise(rest))
    ):
        known[named] = rest[:60]
    if detail and not known and new and len(rest) >= 1:
        known[detail] = rest[:80]
    if known and (new or named or detail or len(text) <= 30):
        changed = replace(draft, details={**draft.details, **known}, place=place if "place" in known else draft.place)
        was_known = any(draft.details.get(code) for code in known)
        return Step(ask_next(changed, catalogue), (say("changed"),) if was_known else ())
    if named == "owner":
        return Step(replace(draft, decision="review", text=f"{draft.text}\n{text.strip()}"), (say("human_review"),))
    if asked := named or detail:
        kept = {k: v for k, v in draft.details.items() if k != asked}
        return Step(replace(draft, details=kept, place=None if asked == "place" else draft.place, asked=asked, tries=0))
    if len(rest) >= 5:
        return Step(ask_next(_longer(draft, text, reader), catalogue), (say("noted"),))
    return Step(replace(draft, hinted=True), (say("ask_what_is_wrong"),))


def _amend(draft: Draft, text: str, reader: Reader) -> Step:
    catalogue, flat = reader.city.catalogue, normalise(text)
    if len(text) <= 12 and any(
        pattern.search(flat)
        for name, pattern in (*_FIELDS, *_NAMED_DETAILS)
        if name == "text" or name in draft.details or name == "owner"
    ):
        return _correct(draft, text, reader)
    found, place = _values(text, reader)
    bare = {k: v for k, v in found.items() if k in ("place", "time", "phone")}
    if bare and len(text) <= 30 and sum(map(len, bare.values())) * 2 >= len(text):
        changed = replace(draft, details={**draft.details, **bare}, place=place if "place" in bare else draft.place)
        return Step(ask_next(changed, catalogue), (say("changed"),))
    if len(re.findall(r"\w", text)) < 2:
        return Step(replace(draft, hinted=True), (say("ask_confirm"),))
    if _is_another(draft, text, reader):
        return Step(
            replace(draft, later=f"{draft.later}\n{text.strip()}".strip()[:MOST_TEXT], hinted=True),
            (say("another_matter"),),
        )
    return Step(ask_next(_longer(draft, text, reader), catalogue), (say("noted"),))


def _is_another(draft: Draft, text: str, reader: Reader) -> bool:
    """A matter that surely belongs to somebody else than the one being taken down, told in words of its own: who speaks of the same
    branch again goes on with the story."""
    if len(text.strip()) < 8:
        return False
    reading = reader.read(text)
    if reading.decision != "auto" or reading.department == draft.department or reading.kind.label == "other":
        return False
    words = (reading.text[span.start : span.end] for span in reading.evidence)
    return draft.department not in reading.candidates and not any(len(w) >= 2 and w in draft.text for w in words)

"""A complaint being taken down: what is known, what is still to ask, and how an answer changes it.

Pure: a draft and a message give a new draft and what to say. Rasa keeps the draft as a slot (plain JSON), so it survives restarts.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bot.wording import say
from nlu.catalogue import Catalogue
from nlu.moments import find_time
from nlu.reader import Reader
from nlu.reading import KINDS, Reading
from nlu.text import find_phone, mask_phone, normalise

MOST_TEXT = 4000
_TRIES = 2  # how often one detail is asked before the answer is taken as it is, or left out
_ONLY_PHONE = {"consult", "suggestion", "praise"}  # nothing has to be found or inspected for these
_LEAD = re.compile(r"^(?:不是|不对|错了|更正一下|更正|改成|改为|应该是|应该|是|在|就在|就是|我说的是|地点|地址|位置|时间|电话|号码|手机号?|联系电话|[::,,。 ])+")
_FIELDS = (
    ("phone", re.compile(r"电话|号码|手机|联系方式")),
    ("time", re.compile(r"时间|日期|几点")),
    ("place", re.compile(r"地点|地址|位置|地方|小区|街道")),
    ("text", re.compile(r"内容|事情|经过|描述")),
    ("owner", re.compile(r"部门|单位|事项|分类|不归")),
)


@dataclass(frozen=True)
class Draft:
    """``details`` holds what is known by detail code, "" for what the resident left out; ``asked`` is the open question
    ("" at the confirmation), ``tries`` how often it was asked, ``seen`` the message that was worked in last, ``hinted`` whether
    the resident has just been told how to answer, so that the question need not follow."""

    key: str
    text: str
    kind: str
    department: str
    item: str | None
    urgency: str
    hazard: str | None
    decision: str
    details: dict[str, str] = field(default_factory=dict)
    place: dict[str, Any] | None = None
    asked: str = ""
    tries: int = 0
    seen: str = ""
    hinted: bool = False
    human: bool = False

    def to_slot(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_slot(cls, value: dict[str, Any] | None) -> Draft | None:
        return cls(**value) if value else None


def open_draft(reader: Reader, text: str, message_id: str, *, human: bool = False, hazard: bool = False) -> Draft:
    """A new draft from what the resident wrote; everything the text already says is taken."""
    draft = Draft(uuid.uuid4().hex, "", "help", reader.city.catalogue.fallback, None, "normal", None, "review", seen=message_id, human=human)
    if text:
        draft = _take_in(draft, reader.read(text[:MOST_TEXT]), reader.city.catalogue)
    if hazard:
        draft = replace(draft, urgency="critical")
    return ask_next(draft, reader.city.catalogue)


def _take_in(draft: Draft, reading: Reading, catalogue: Catalogue) -> Draft:
    """The draft with ``reading`` of its whole text; details already given are kept."""
    details = dict(draft.details)
    place = draft.place
    if reading.place and not details.get("place"):
        details["place"] = reading.place.text
        place = asdict(reading.place)
    if reading.time and not details.get("time"):
        details["time"] = reading.time.text
    if reading.phone and not details.get("phone"):
        details["phone"] = reading.phone
    for code in _wanted(reading.item, catalogue):
        detail = catalogue.details[code]
        if not details.get(code) and (said := detail.find(reading.text)) is not None:
            details[code] = "" if detail.enough else said  # a long text says it; the text itself is kept anyway
    levels = ("normal", "urgent", "critical")
    urgency = max(draft.urgency, reading.urgency.level, key=levels.index)
    return replace(
        draft, text=reading.text, kind=reading.kind.label, department=reading.department or catalogue.fallback, item=reading.item,
        urgency=urgency, hazard=reading.urgency.hazard or draft.hazard, decision=reading.decision, details=details, place=place,
    )


def _wanted(item: str | None, catalogue: Catalogue) -> tuple[str, ...]:
    return catalogue.items[item].details if item in catalogue.items else ("place", "time", "phone")


def needed(draft: Draft, catalogue: Catalogue) -> list[str]:
    """Detail codes the draft still lacks, in the order asked."""
    wanted = ("phone",) if draft.human or draft.kind in _ONLY_PHONE else _wanted(draft.item, catalogue)
    return [code for code in wanted if code not in draft.details]


def ask_next(draft: Draft, catalogue: Catalogue) -> Draft:
    missing = needed(draft, catalogue)
    return replace(draft, asked=missing[0] if missing else "", tries=0, hinted=False)


def question(draft: Draft, catalogue: Catalogue) -> str:
    """How the open detail is asked."""
    if draft.asked == "text":
        return say("ask_text")
    return catalogue.question(draft.item, draft.asked)


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
            return Step(draft)
        return Step(ask_next(replace(draft, details={**draft.details, draft.asked: ""}), catalogue))
    if intent == "affirm":
        return Step(draft, confirmed=not draft.asked)
    if not draft.asked:  # something new at the confirmation: a value to change, else more of the story
        return _amend(draft, text, reader)
    if draft.asked == "text":
        return Step(ask_next(_take_in(replace(draft, details={k: v for k, v in draft.details.items() if v}), reader.read(text), catalogue), catalogue))
    return _answer(draft, text, reader)


def _answer(draft: Draft, text: str, reader: Reader) -> Step:
    catalogue, code = reader.city.catalogue, draft.asked
    found, place = _values(text, reader)
    sharper = bool(place and place["district"] and not (draft.place or {}).get("district"))
    other = {k: v for k, v in found.items() if k != code and k in ("place", "time", "phone")
             and (not draft.details.get(k) or k == "place" and sharper)}
    last = draft.tries + 1 >= _TRIES
    if code not in found and not other and (value := _free(code, text, last)) is not None:
        found[code] = value
    given = other | ({code: found[code]} if code in found else {})
    changed = replace(draft, details={**draft.details, **given}, place=place if "place" in given and place else draft.place)
    if len(text) >= (40 if given else 16):  # an answer that also goes on with the story
        changed = _longer(changed, text, reader)
    if code in changed.details:
        return Step(ask_next(changed, catalogue))
    if last:
        return Step(ask_next(replace(changed, details={**changed.details, code: ""}), catalogue))
    if other:
        return Step(replace(changed, asked=code, tries=draft.tries))
    again = f"ask_again_{code}" if code in ("place", "time", "phone") else "ask_again_other"
    return Step(replace(changed, asked=code, tries=draft.tries + 1, hinted=True), (say(again),))


def _values(text: str, reader: Reader) -> tuple[dict[str, str], dict[str, Any] | None]:
    """Details that stand in ``text``, and the place resolved."""
    found: dict[str, str] = {}
    place = reader.city.places.find(text)
    if place and (place.district or place.subdistrict or len(place.text) >= 3):
        found["place"] = text.strip() if len(text) <= 40 and not find_phone(text) else place.text
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
    bare = text.strip(" 。.!!??,,")
    if code == "phone" or not bare:
        return None
    if code in ("place", "time"):
        return bare[:60] if last and len(bare) >= 2 else None
    return bare[:80]


def _longer(draft: Draft, text: str, reader: Reader) -> Draft:
    whole = f"{draft.text}\n{text.strip()}"[:MOST_TEXT] if draft.text else text.strip()
    return _take_in(draft, reader.read(whole), reader.city.catalogue)


def _correct(draft: Draft, text: str, reader: Reader) -> Step:
    catalogue = reader.city.catalogue
    bare = _LEAD.sub("", normalise(text))
    rest = text[len(text) - len(bare):] if bare else ""
    found, place = _values(rest or text, reader) if len(rest) >= 2 else ({}, None)
    named = next((name for name, pattern in _FIELDS if pattern.search(normalise(text))), None)
    known = {k: v for k, v in found.items() if k in ("place", "time", "phone") or k in draft.details}
    if named in ("place", "time", "phone") and named not in known and len(rest) >= 3 and named != "phone":
        known[named] = rest.strip(" 。.!!")
    if known:
        changed = replace(draft, details={**draft.details, **known}, place=place if "place" in known else draft.place)
        return Step(ask_next(changed, catalogue), (say("changed"),))
    if named == "owner":
        return Step(replace(draft, decision="review", text=f"{draft.text}\n{text.strip()}"), (say("human_review"),))
    if named:
        kept = {k: v for k, v in draft.details.items() if k != named}
        return Step(replace(draft, details=kept, asked=named, tries=0))
    if len(rest) >= 8:
        return Step(ask_next(_longer(draft, rest, reader), catalogue), (say("noted"),))
    return Step(replace(draft, hinted=True), (say("ask_what_is_wrong"),))


def _amend(draft: Draft, text: str, reader: Reader) -> Step:
    found, place = _values(text, reader)
    bare = {k: v for k, v in found.items() if k in ("place", "time", "phone")}
    if bare and len(text) <= 30:
        changed = replace(draft, details={**draft.details, **bare}, place=place if "place" in bare else draft.place)
        return Step(ask_next(changed, reader.city.catalogue), (say("changed"),))
    return Step(ask_next(_longer(draft, text, reader), reader.city.catalogue), (say("noted"),))


def read_back(draft: Draft, catalogue: Catalogue) -> str:
    """The summary a resident confirms; the phone is masked."""
    text = draft.text if len(draft.text) <= 120 else draft.text[:118] + "……"
    lines = [f"内容：{text or say('human_text')}"]
    if draft.item:
        lines.append(f"事项：{catalogue.item_name(draft.item)}（{KINDS.get(draft.kind, draft.kind)}）")
    lines.append(f"拟转：{catalogue.department_name(draft.department)}")
    for code, value in draft.details.items():
        if value and code in catalogue.details:
            shown = mask_phone(value) if code == "phone" else value
            lines.append(f"{catalogue.details[code].name}：{shown}")
    return say("confirm", lines="\n".join(lines))

"""When it happened, in the resident's own words. The stretch is kept as said; the desk reads it, nothing is computed."""

from __future__ import annotations

import re

from nlu.reading import When
from nlu.text import normalise

_N = r"(?:\d{1,4}|[一二两三四五六七八九十半几百]{1,4})"
_DAY = (
    r"(?:大前天|前天|前日|昨天|昨日|昨儿|昨晚|昨夜|今天|今日|今早|今晚|今儿|今朝|明天|寻日|琴日|[噚㖊]日|琴晚|[噚㖊]晚|当天|前晚|前几天|这几天|这两天|最近|近期|刚才|刚刚|头先|而家|现在|每天|天天|每晚|晚晚|日日|"
    r"上(?:个)?(?:周|星期|礼拜|月|年)[一二三四五六日天末底初中]?|这(?:个)?(?:周|星期|礼拜|月)[一二三四五六日天末]?|(?:本|每|逢)?(?:周|星期|礼拜)[一二三四五六日天末]|"
    r"(?:去年|今年|前年|本月|上半年|下半年|年初|年底|月初|月底|周末|国庆|春节|五一|十一|中秋|元旦|过年|暑假|寒假|清明|端午)(?:年初|年底)?(?:期间|前后|以来|那天|后|前)?|"
    r"(?:\d{2,4}年)?\d{1,2}月(?:\d{1,2}(?:日|号)?|份|底|初)?|\d{1,2}号(?!线|楼|栋|院|门|口)|\d{4}[-/.]\d{1,2}[-/.]\d{1,2})"
)
_PART = r"(?:凌晨|清晨|早上|早晨|一早|上午|中午|下午|傍晚|晚上|夜里|夜晚黑|夜晚|三更半夜|半夜三更|半夜|深夜|朝头早|朝早|上昼|下昼|晏昼|放学|下班|上班|早高峰|晚高峰)"
_CLOCK = rf"(?:{_N}(?:点钟?|时)(?:半|多|左右|{_N}分?)?|\d{{1,2}}[::]\d{{2}})(?:左右|多|以后|之后|前后|开始)?"
_SPAN = rf"(?:(?:已经|都|持续|连续|将近|快|大概|大约|差不多|足足){{0,3}}{_N}(?:个)?(?:多)?(?:分钟|小时|钟头|天|日|晚|夜|周|星期|礼拜|月|年|个月|次)(?:多|左右|以前|之前|前|了|来)?)"
_TIME = re.compile(
    rf"(?:从|自|自从)?(?:{_DAY}(?:的)?(?:{_PART})?(?:的| )?(?:{_CLOCK})?|{_PART}(?:{_CLOCK})?|{_CLOCK})"
    rf"(?:(?:到|至|-|~|—)(?:{_DAY})?(?:{_PART})?(?:{_CLOCK})?)?(?:开始|以来|起|左右|前后|期间)?|{_SPAN}"
)
# durations without 了/前/多 or a lead are often ages, prices or counts
_DURATION_ONLY = re.compile(rf"^{_N}(?:个)?(?:次|年|日|月|天)$")
_SURE = re.compile(rf"{_DAY}|{_PART}|{_CLOCK}")


def find_time(text: str) -> When | None:
    """The most telling time expression, or None: a day or an hour before a mere duration, longer before shorter."""
    flat = normalise(text)
    found: list[tuple[bool, int, re.Match[str]]] = []
    for match in _TIME.finditer(flat):
        words = match.group()
        if len(words) < 2 or _DURATION_ONLY.match(words):
            continue
        if words in ("现在", "而家", "最近", "近期", "每天", "天天", "上班", "下班", "放学") and found:
            continue
        weak = words in ("上班", "下班", "放学", "过年", "次")
        sure = bool(_SURE.search(words)) and not weak
        found.append((sure, len(words), match))
    if not found:
        return None
    best = max(found, key=lambda f: (f[0], f[1]))[2]
    return When(text[best.start() : best.end()], best.start(), best.end())

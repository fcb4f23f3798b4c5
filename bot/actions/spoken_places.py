"""Places as residents say them: the words without the sentence around them."""

from __future__ import annotations

import re

from nlu.reading import Place

PLACE_LEAD = re.compile(
    r"^(?:事情|事发|发生|具体)?(?:地点|地址|位置|地方)?(?:是|在|就在|就是|位于|我们?家?住在?|家住|住在|我在|应该是|[:\uff1a,\uff0c ])*"
)
_PLACE_TAIL = re.compile(
    r"(?:这边|那边|这里|那里|附近这块|里面)?(?:的|吧|啊|呀|呢|啦|哦|嘛|咯)*[\s。.!\uff01?\uff1f,\uff0c]*$"
)
_LONGEST_PLACE, _LONGEST_SPOT = 30, 16
_RUNS_ON = re.compile(r"(?:那个|这个|的).*$")  # behind these a long place has become a sentence
_SPOT_LIKE = re.compile(
    r"(?:区|街道|社区|大道|路|街|巷|村|花园|小区|苑|大厦|广场|园|站|校|学|院|市场|商场|店|公寓|城|桥|口|号|栋|座|楼|门|室|期|旁边?|对面|附近|门口|\d)$"
)
_SENTENCE = re.compile(r"[了着过没]|天天|每天|半夜|太吵|很|都|投诉|噪音|垃圾|漏水|停水|停电|坏")


def _bare_place(text: str) -> str:
    return _PLACE_TAIL.sub("", PLACE_LEAD.sub("", text.strip()))


def spoken_place(text: str, place: Place) -> str:
    """The place as said, without the sentence around it: the stretch that was found, or the whole of a short answer."""
    bare = _bare_place(text)
    clauses = [c for c in re.split(r"[,\uff0c。;\uff1b!\uff01?\uff1f\n]", bare) if c.strip()]
    if (
        len(bare) <= _LONGEST_PLACE
        and all(c.strip() in place.text or _SPOT_LIKE.search(c.strip()) for c in clauses)
        and not _SENTENCE.search(bare)
    ):
        return bare
    return place.text if len(place.text) <= _LONGEST_SPOT else _RUNS_ON.sub("", place.text) or place.text


def whole_place(text: str) -> str | None:
    """All of an answer to "where" when it is short and tells no story: "龙华区民治街道水榭春天" keeps its estate, known or not."""
    bare = _bare_place(text)
    return bare if 2 <= len(bare) <= _LONGEST_PLACE and not _SENTENCE.search(bare) else None

"""Replies cut to what one message may hold; the rest follows when the resident asks for more."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

from bot.wording import say
from nlu.text import normalise

_MORE = re.compile(r"^\s*(?:更多|继续|下文|还有吗|后面呢|more|next)\s*[。.!!??]*\s*$")
_REMEMBERED = 5000  # senders


def wants_more(text: str) -> bool:
    return bool(_MORE.match(normalise(text)))


def split(text: str, most: int) -> list[str]:
    """Pieces of at most ``most`` characters, cut at line ends, else at sentence ends, else anywhere. No character is lost but
    blanks at the cuts."""
    pieces: list[str] = []
    rest = text.strip()
    while len(rest) > most:
        window = rest[:most]
        cut = window.rfind("\n") + 1
        if cut < most // 3:
            cut = max(window.rfind(mark) for mark in "。!?;\uff01\uff1f\uff1b") + 1
        if cut < most // 3:
            cut = most
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


@dataclass
class _Shown:
    pieces: list[str]
    at: int
    key: str  # message the piece was shown for: its retries see the same piece


class Parts:
    """What each sender has seen of the last long reply. ``most`` characters a piece, its marker included."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._shown: OrderedDict[str, _Shown] = OrderedDict()

    def first(self, sender: str, key: str, text: str) -> str:
        """The whole reply if it fits, else its first piece with a marker."""
        if len(text) <= self._most:
            self._shown.pop(sender, None)
            return text
        pieces = split(text, self._most - 24)
        self._shown[sender] = _Shown(pieces, 0, key)
        self._shown.move_to_end(sender)
        while len(self._shown) > _REMEMBERED:
            self._shown.popitem(last=False)
        return self._marked(self._shown[sender])

    def next(self, sender: str, key: str) -> str | None:
        """The following piece, or None when there is none."""
        shown = self._shown.get(sender)
        if shown is None:
            return None
        if shown.key != key:
            if shown.at + 1 >= len(shown.pieces):
                return say("no_more")
            shown.at, shown.key = shown.at + 1, key
        return self._marked(shown)

    @staticmethod
    def _marked(shown: _Shown) -> str:
        if shown.at + 1 == len(shown.pieces):
            return shown.pieces[shown.at]
        return shown.pieces[shown.at] + say("part", part=shown.at + 1, parts=len(shown.pieces))

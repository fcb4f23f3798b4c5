"""A text cut for showing: what speaks for a decision is marked, personal numbers are hidden until asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from nlu.text import find_phone, normalise

Mark = Literal["", "evidence", "reason"]
_LONG_NUMBER = re.compile(r"(?<!\d)\d{15,19}[x]?(?!\d)")  # identity and bank card numbers


@dataclass(frozen=True)
class Piece:
    """``secret``: ``text`` is shown with stars, and is a key of :attr:`Secrets.originals`."""

    text: str
    mark: Mark = ""
    secret: bool = False


@dataclass
class Secrets:
    """Collects what a page hides: from what is shown to what was written."""

    originals: dict[str, str] = field(default_factory=dict)

    def hide(self, text: str) -> str:
        """The text with stars, of the same length."""
        digits = [i for i, c in enumerate(text) if c.isalnum()]
        keep = {*digits[:3], *digits[-4:]} if len(digits) >= 11 else set(digits[-2:])
        shown = "".join("*" if i in digits and i not in keep else c for i, c in enumerate(text))
        self.originals[shown] = text
        return shown

    def starred(self, text: str) -> str:
        """The whole text with its personal numbers hidden."""
        return "".join(piece.text for piece in self.pieces(text))

    def pieces(self, text: str, spans: Iterable[tuple[int, int, Mark]] = ()) -> list[Piece]:
        """``text`` in order. Of overlapping spans the later wins; a personal number stays whole and unmarked."""
        marks: list[Mark] = [""] * len(text)
        for start, end, mark in spans:
            for i in range(max(0, start), min(end, len(text))):
                marks[i] = mark
        pieces: list[Piece] = []
        at = 0
        for start, end in [*_personal(text), (len(text), len(text))]:
            while at < start:
                stop = at + 1
                while stop < start and marks[stop] == marks[at]:
                    stop += 1
                pieces.append(Piece(text[at:stop], marks[at]))
                at = stop
            if end > start:
                pieces.append(Piece(self.hide(text[start:end]), secret=True))
            at = end
        return pieces


def _personal(text: str) -> list[tuple[int, int]]:
    flat = normalise(text)
    found = [match.span() for match in _LONG_NUMBER.finditer(flat)]
    rest = _LONG_NUMBER.sub(lambda match: "x" * len(match.group()), flat)
    at = 0
    while phone := find_phone(rest[at:]):
        found.append((at + phone[1], at + phone[2]))
        at += phone[2]
    return sorted(found)

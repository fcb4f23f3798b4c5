"""The state machine of a ticket: which move is allowed where, and where it leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from desk.errors import MoveForbidden

State = Literal["pending", "routed", "in_progress", "replied", "closed", "withdrawn", "rejected"]

NAMES: dict[str, str] = {
    "pending": "待分拨",
    "routed": "已分拨",
    "in_progress": "办理中",
    "replied": "已答复",
    "closed": "已办结",
    "withdrawn": "已撤销",
    "rejected": "不予受理",
}
OPEN = ("pending", "routed", "in_progress")  # somebody still has to do something


@dataclass(frozen=True)
class Move:
    """``target`` is the state by the state it starts from."""

    name: str
    target: dict[str, State]


def _move(name: str, sources: tuple[str, ...], target: State | None = None) -> Move:
    return Move(name, {source: target or source for source in sources})  # type: ignore[misc]


MOVES: dict[str, Move] = {
    "accept": _move("采纳", ("pending",), "routed"),
    "correct": _move("更正", ("pending", "routed", "in_progress"), "routed"),
    "start": _move("开始办理", ("routed",), "in_progress"),
    "reply": _move("答复", ("routed", "in_progress"), "replied"),
    "close": _move("办结", ("replied",), "closed"),
    # what was refused by mistake goes back to the queue, what was answered back to its department
    "reopen": Move("重新办理", {"replied": "in_progress", "closed": "in_progress", "rejected": "pending"}),
    "reject": _move("不予受理", OPEN, "rejected"),
    "withdraw": _move("撤销", OPEN, "withdrawn"),
    "urge": _move("催办", OPEN),
    "append": _move("补充", (*OPEN, "replied")),
    "rate": _move("评价", ("replied", "closed")),
}


def allowed(state: str) -> tuple[str, ...]:
    """The moves a ticket in ``state`` can make."""
    return tuple(code for code, move in MOVES.items() if state in move.target)


def after(move: str, state: str, number: str) -> State:
    """The state that ``move`` leads to from ``state``; raises :class:`MoveForbidden` telling what is possible."""
    target = MOVES[move].target.get(state)
    if target is None:
        possible = "、".join(MOVES[code].name for code in allowed(state))
        rest = f"现在可以：{possible}" if possible else "该工单已经结束，如有需要请重新提交"
        raise MoveForbidden(f"工单 {number} 当前状态为“{NAMES.get(state, state)}”，不能{MOVES[move].name}；{rest}")
    return target

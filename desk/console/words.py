"""The console's words for codes."""

from __future__ import annotations

from datetime import datetime

from desk.people import ROLES
from desk.states import MOVES, NAMES
from nlu.ownership import LEVELS
from nlu.reading import KINDS, URGENCIES

STATES, ROLE_NAMES, KIND_NAMES = NAMES, ROLES, KINDS
URGENCY_NAMES: dict[str, str] = {code: name for code, name in URGENCIES.items()}  # noqa: C416
LEVEL_NAMES: dict[str, str] = {code: name for code, name in LEVELS.items()}  # noqa: C416
CHANNELS = {
    "web": "网页",
    "wechat": "微信公众号",
    "wecom": "企业微信",
    "mailbox": "邮箱",
    "terminal": "终端",
    "api": "接口",
}
EVENTS = {code: move.name for code, move in MOVES.items()} | {
    "file": "提交工单",
    "route": "自动分拨",
    "set_department": "部门",
    "set_item": "事项",
    "set_urgency": "紧急程度",
    "set_kind": "类型",
    "show_phone": "查看联系电话",
}


def channel(code: str) -> str:
    return CHANNELS.get(code, code)


def who(name: str) -> str:
    return {"minyi": "系统", "resident": "居民"}.get(name, name)


def remaining(due: datetime, moment: datetime) -> str:
    """剩 2 小时 5 分, 超时 35 分; days when it is more than two."""
    minutes = int((due - moment).total_seconds() // 60)
    word, minutes = ("剩", minutes) if minutes >= 0 else ("超时", -minutes)
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{word} {hours // 24} 天"
    if hours:
        return f"{word} {hours} 小时" + (f" {rest} 分" if hours < 6 and rest else "")
    return f"{word} {rest} 分"

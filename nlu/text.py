"""Text as typed → text as compared, and the masking of personal data.

:func:`normalise` keeps the length, so that offsets in the normalised text are offsets in the original.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

import opencc

MOBILE = r"1[3-9]\d(?:[ .·–—-]?\d){8}"
# eight digits alone are a number of this city, unless they read as a date
LANDLINE = r"0\d{2,3}[- ]?\d{7,8}|(?<!\d)(?!20[0-3]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))[2-8]\d{7}"
_PHONE = re.compile(rf"(?<!\d)(?:(?:(?:\+|00)?86[- ]?)?({MOBILE})|({LANDLINE}))(?!\d)")
_ABROAD = re.compile(r"(?<!\d)(?:\+|00)?85[23][- ]?\d{4}[- ]?\d{4}(?!\d)")  # Hong Kong and Macau
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ID_NUMBER = re.compile(
    rf"(?<!\d)(?:[1-9]\d{{5}}[- ]?(?:18|19|20)\d{{2}}{_DAY}[- ]?\d{{3}}[\dXx]|[1-9]\d{{7}}{_DAY}\d{{3}})(?!\d)"
)
_BANK_CARD = re.compile(r"(?<!\d)62\d{14,17}(?!\d)")
_NAME = re.compile(
    r"(?P<cue>我叫做?|我是叫|本人姓名|姓名是|姓名[::]?|名字叫|名字是|联系人[::]?)(?P<name>[\u4e00-\u9fff·]{2,4}?)"
    r"(?=[,,。;;!!\s、电联手身住家,]|$)"
)
# a name that runs on into the sentence: a surname and two characters more, lest a name stay readable
_NAME_RUNS_ON = re.compile(
    r"(?P<cue>我叫做?|本人姓名是?|姓名是|姓名:|名字叫|名字是|联系人:)(?P<name>[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘"
    r"蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤][\u4e00-\u9fff]{1,2})"
)


@lru_cache(maxsize=1)
def _simplified() -> dict[str, str]:
    """Traditional → simplified, one character to one (the first choice of OpenCC's table)."""
    table = Path(opencc.__file__).parent / "dictionary" / "TSCharacters.txt"
    pairs = (line.split("\t") for line in table.read_text("utf-8").splitlines() if "\t" in line)
    return {old: new.split(" ")[0] for old, new in pairs if len(old) == 1}


@lru_cache(maxsize=65536)
def _character(c: str) -> str:
    if c in "\r\n\t\u3000\xa0":
        return " "
    flat = unicodedata.normalize("NFKC", c)
    if len(flat) != 1:
        flat = c
    lower = flat.lower()
    return _simplified().get(lower if len(lower) == 1 else flat, lower if len(lower) == 1 else flat)


def normalise(text: str) -> str:
    """Half-width, lower-case, simplified characters; same length as ``text``."""
    return "".join(_character(c) for c in text)


def sound(text: str) -> str:
    """The text as UTF-8 can carry it: a lone surrogate becomes ``?``; same length."""
    return text.encode("utf-8", "replace").decode("utf-8")


def find_phone(text: str) -> tuple[str, int, int] | None:
    """The first mobile or fixed-line number as ``(digits, start, end)``; the resident's spaces and hyphens are dropped.

    An 18-digit identity number is never taken for a phone.
    """
    flat = normalise(text)
    for match in _PHONE.finditer(_ID_NUMBER.sub(lambda m: "x" * len(m.group()), flat)):
        digits = re.sub(r"\D", "", match.group(1) or match.group(2))
        return digits, match.start(1) if match.group(1) else match.start(2), match.end()
    return None


def mask_phone(digits: str) -> str:
    """``13812345678`` → ``138****5678``; shorter numbers keep their last two digits."""
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 11 else "*" * max(0, len(digits) - 2) + digits[-2:]


def mask(text: str) -> str:
    """The text with phone, identity and bank card numbers and self-given names hidden; for logs, exports, training."""
    # spans are found in the normalised text (full-width digits) and cut out of the original
    flat, out = normalise(text), list(text)

    def hide(start: int, end: int, by: str) -> None:
        out[start:end] = [by] + [""] * (end - start - 1)

    for match in _ID_NUMBER.finditer(flat):
        hide(*match.span(), "<身份证号>")
    for match in _BANK_CARD.finditer(flat):
        hide(*match.span(), "<银行卡号>")
    for match in _PHONE.finditer(
        _ID_NUMBER.sub(lambda m: "x" * len(m.group()), _BANK_CARD.sub(lambda m: "x" * len(m.group()), flat))
    ):
        hide(*match.span(), "<电话>")
    for match in _ABROAD.finditer(flat):
        hide(*match.span(), "<电话>")
    for match in _NAME.finditer(flat):
        hide(*match.span("name"), "<姓名>")
    named = {match.start("name") for match in _NAME.finditer(flat)}
    for match in _NAME_RUNS_ON.finditer(flat):
        if match.start("name") not in named:
            hide(*match.span("name"), "<姓名>")
    return "".join(out)

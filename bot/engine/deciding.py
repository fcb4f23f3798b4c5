"""What a message is for the dialogue: the classifier's word, the reading and the open question, weighed together.

Pure and free of Rasa. Each outcome has a named reason, so that a wrong turn can be explained.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

TICKET_NUMBER = re.compile(r"[Mm][Yy]\s?\d{6}\s?[-—–]?\s?\d{6}")
_CHOICE = re.compile(
    r"^\s*(?:我?(?:想问|问|要)?的?是)?\s*(?:第|选|选择)?\s*([123一二三①②③])\s*(?:个|条|项|号)?\s*[。.!\uff01]?\s*$"
)
_NO_CHOICE = re.compile(
    r"^\s*(?:这[些几]个?)?(?:都|全都?)?(?:不是|没有|不对|唔系|唔係)(?:的|这些|我要的|我想问的)?\s*[。.!\uff01]?\s*$"
)
_TAKE_IT = re.compile(
    r"^\s*(?:好的?|嗯|行|要|麻烦|请|帮我|给我|那就|现在)*\s*(?:登记|登記)(?:吧|一下|下|了)?\s*[。.!\uff01]?\s*$"
)
_END = r"(?:的|了|吧|啊|呀|呢|哦|啦|哈|嘞|噢)*[\s。.!！~,，]*$"
# whole messages that mean yes or no to the read-back, whatever the classifier thinks of so few letters
_YES = re.compile(
    rf"^\s*(?![\s,，。.!！~]*$)(?:👌|👍|✅|🆗|🙆|💯|(?:ok|okay|yes|yep)(?![a-z])|确认|確認|提交|好|嗯|恩|是|系|係|对|對|行|可以|没问题|冇问题|没有问题|没错|无误|正确|同意|没有?(?:什么)?要改|不用改|没有错误|就这样|吧?[,，\s]+)+{_END}",
    re.I,
)
_NO = re.compile(rf"^\s*(?:不对|不對|不是|错了?|錯了?|有误|no|不正确|写错了?|❌|唔系|唔啱|唔係)+{_END}", re.I)
_ASKS = re.compile(
    r"[?？]\s*$|怎么(?!没|還|还|回事|都|这么|老|总|又|不|天天|每天|一直|经常|那么)|怎麼(?!沒|還|都|這麼)|怎样|如何|点样|點樣|哪里(?:办|交|查|领|能)|去哪|边度|需要什么|要什么|什么(?:材料|条件|手续|时候能|流程)|多少钱|多久|几点|"
    r"能不能|可不可以|可以吗|能.{1,12}吗$|吗[。?？ ]*$|有没有.{2,}|是不是.{2,}吗|电话是?多少|咨询|请问"
)

# What may interrupt an open question, and how sure the classifier must be.
COMMANDS = {"human": 0.5, "cancel": 0.5, "query_status": 0.5, "urge": 0.6, "repeat": 0.55, "wait": 0.55}
CHAT = {
    "greet": 0.75,
    "thank": 0.75,
    "goodbye": 0.75,
    "abuse": 0.6,
    "chitchat": 0.75,
    "out_of_scope": 0.75,
    "bot_challenge": 0.6,
    "capabilities": 0.6,
}
INTERRUPTIONS = COMMANDS | CHAT
ANSWERS = {"affirm": 0.45, "deny": 0.45, "skip": 0.45, "correct": 0.45}
TALK = set(INTERRUPTIONS) | set(ANSWERS) | {"complain_intro"}
INFORMS = {"inform_place", "inform_time", "inform_phone", "inform_detail"}
SAYS_SOMETHING = {"complain", "faq", "correct"} | INFORMS
# questions whose answers have a form; to the others any words may be an answer
_FIXED = {"place", "time", "phone", "confirmed", "text"}
_FREE_MARGIN = 0.15  # how much surer the classifier must be before words that may be a name count as an interruption
_SHORT = 24
_BARE, _CERTAIN = 6, 0.8  # letters of a message like "停水"; how sure the classifier must be to take it for talk
_LEANS = 0.5  # confidence from which the kind of so few words says anything
_OFFERED = 0.44  # nearness from which an entry is worth offering
# how sure the classifier, and how near an entry, for a question that interrupts a form
_QUESTION, _HALF_NEAR = 0.6, 0.5
_URGES = re.compile(
    "催|工单|单子|进度|回复|处理结果|反映过|投诉过|上次"
)  # without these a long reproach is about a new matter
_WISHES = (  # what is wanted with a ticket whose number is given
    (re.compile("撤销|撤回|取消|撤單|撤銷"), "withdraw"),
    (re.compile("催"), "urge"),
    (re.compile("补充|补一句|更正|改成|改为|補充"), "correct"),
)
_TELLS = {"complaint", "report", "help", "suggestion", "praise"}


@dataclass(frozen=True)
class Thresholds:
    """``talk``: least confidence of a small-talk or command intent; ``faq_sure`` / ``faq_likely``: least nearness of an FAQ entry,
    without and with the text looking like a question; ``understood``: below it nothing is believed."""

    talk: float = 0.45
    faq_sure: float = 0.72
    faq_likely: float = 0.50
    understood: float = 0.30


def looks_like_a_question(text: str) -> bool:
    """By its words alone; a reproach ("怎么没人管") is none."""
    return bool(_ASKS.search(text))


def decide(text: str, ranking: list[dict[str, Any]], meta: dict[str, Any], t: Thresholds) -> tuple[str, float, str]:
    """``(intent, confidence, reason)``.

    ``ranking`` is the classifier's, best first. ``meta`` may hold ``reading`` (kind, kind_confidence, decision, hazard, place, time, phone), ``faq`` (best score
    0..1), ``asked`` (the open question's detail, or "confirmed"), ``choices`` (how many options were offered), ``offered`` (a ticket was
    offered) and ``offered_hazard`` (after a danger).
    """
    scores = {r["name"]: float(r["confidence"]) for r in ranking}
    best, sure = (ranking[0]["name"], float(ranking[0]["confidence"])) if ranking else ("", 0.0)
    reading, asked = meta.get("reading") or {}, meta.get("asked")
    short = len(text) <= _SHORT

    if reading.get("hazard"):
        return "hazard", 1.0, "hazard"
    if TICKET_NUMBER.search(text):
        return _about_a_ticket(text, scores), 1.0, "ticket number"
    if meta.get("choices") and _CHOICE.match(text):
        return "choose", 1.0, "choice"
    if meta.get("choices") and not asked and _NO_CHOICE.match(text):
        return "choose", 1.0, "none of the choices"
    if meta.get("offered") and not asked:
        if short and (best in ("affirm", "complain_intro") and sure >= 0.4 or _TAKE_IT.match(text) or _YES.match(text)):
            return "affirm", max(sure, 0.9), "offer taken"
        if short and (best in ("deny", "skip", "cancel") and sure >= 0.4 or _NO.match(text)):
            return "deny", sure, "offer declined"
        if meta.get("offered_hazard") and best in INFORMS and sure >= t.understood:
            return "affirm", sure, "goes on about the danger"
    if asked:
        return _inside(text, best, sure, scores, meta, t)
    return _outside(text, best, sure, scores, meta, t)


def _about_a_ticket(text: str, scores: dict[str, float]) -> str:
    for pattern, wish in _WISHES:
        if pattern.search(text):
            return wish
    wish = max(("query_status", "urge", "cancel", "correct"), key=lambda i: scores.get(i, 0.0))
    if len(TICKET_NUMBER.sub("", text).strip()) < 2 or scores.get(wish, 0.0) < 0.2:
        return "query_status"
    return "withdraw" if wish == "cancel" else wish


def _inside(
    text: str, best: str, sure: float, scores: dict[str, float], meta: dict[str, Any], t: Thresholds
) -> tuple[str, float, str]:
    asked, reading, faq = meta["asked"], meta.get("reading") or {}, float(meta.get("faq") or 0.0)
    short = len(text) <= _SHORT
    if asked == "confirmed":
        if _YES.match(text):
            return "affirm", 1.0, "yes"
        if _NO.match(text):
            return "deny", 1.0, "no"
    fits = bool(reading.get(asked)) if asked in ("place", "time", "phone") else best == "inform_detail"
    margin = _FREE_MARGIN if asked not in _FIXED and short else 0.0
    if best in ANSWERS and sure >= ANSWERS[best] + margin and not (fits and best in ("affirm", "skip")):
        return best, sure, "answer word"
    if best in INTERRUPTIONS and sure >= INTERRUPTIONS[best] + margin and short and not (fits and best in CHAT):
        return best, sure, "interruption"
    asks, question = looks_like_a_question(text), scores.get("faq", 0.0)
    if not (fits and short) and best not in INFORMS:
        near = faq >= t.faq_likely if asks else faq >= t.faq_sure and question >= t.understood
        if near or (question >= _QUESTION and (asks or faq >= _HALF_NEAR)):
            return "faq", max(faq, question), "question inside a form"
    return "answer", 1.0, "open question"


def _outside(
    text: str, best: str, sure: float, scores: dict[str, float], meta: dict[str, Any], t: Thresholds
) -> tuple[str, float, str]:
    reading, faq = meta.get("reading") or {}, float(meta.get("faq") or 0.0)
    short = len(text) <= _SHORT
    kind, words, question = reading.get("kind"), looks_like_a_question(text), scores.get("faq", 0.0)
    tells = len(text) >= 4 and reading.get("decision") == "auto"  # "身份证" alone tells nothing
    sure_kind = float(reading.get("kind_confidence", 1.0)) >= _LEANS
    matter = sure_kind and (kind in ("complaint", "report") or (kind == "help" and tells))
    blames = matter and not words  # whatever entry has such words
    asks = kind == "consult" or (question >= 0.4 and (words or kind not in _TELLS or (faq >= _OFFERED and not blames)))
    # "垃圾堆了一周没人管" tells of a matter, "怎么没人管" urges
    reproach = best == "urge" and not _URGES.search(text) and (len(text) > 20 or reading.get("decision") == "auto")
    if len(text) <= _BARE and faq >= t.faq_likely and sure < _CERTAIN and not blames:
        return "faq", faq, "a bare word near an entry"
    if best in TALK and not reproach and sure >= t.talk and (short or (sure >= 0.8 and best != "correct")):
        return best, sure, "talk"
    if reproach and kind in _TELLS:
        return "complain", sure, "a reproach that tells of a matter"
    if best in INFORMS and sure >= t.talk and short and not words and faq < t.faq_likely:
        return best, sure, "a detail"
    told = blames and question < 0.4  # "楼上漏水" is a matter, whatever entry is called so
    if (faq >= t.faq_sure and not told) or (asks and faq >= t.faq_likely):
        return "faq", faq, "near an entry"
    if (
        asks
        and scores.get("complain", 0.0) < (0.85 if kind == "consult" and words else 0.5)
        and (kind != "other" or (question >= _QUESTION and (words or faq >= _OFFERED)))
    ):
        return "faq", question, "question"
    if scores.get("complain", 0.0) >= t.understood or (
        kind not in (None, "other") and len(text) >= 4 and best in SAYS_SOMETHING
    ):
        return "complain", max(scores.get("complain", 0.0), sure), "complaint"
    if best in TALK and sure >= t.understood:
        return best, sure, "weak talk"
    return "nlu_fallback", sure, "not understood"

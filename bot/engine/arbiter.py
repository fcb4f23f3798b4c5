"""Decides what a message is for the dialogue: the classifier's word, the reading and the open question, weighed together.

Each outcome has a named reason, which is logged and returned as ``arbiter`` in the parse, so that a wrong turn can be explained.
The arbiter keeps no state: everything it needs arrives as message metadata (see ``bot/inbound.py``).
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

logger = logging.getLogger(__name__)

TICKET_NUMBER = re.compile(r"[Mm][Yy]\s?\d{6}\s?[-—–]?\s?\d{6}")
_CHOICE = re.compile(r"^\s*(?:第|选|选择)?\s*([123一二三①②③])\s*(?:个|条|项|号)?\s*[。.!!]?\s*$")

_TAKE_IT = re.compile(r"^\s*(?:好的?|嗯|行|要|麻烦|请|帮我|给我|那就|现在)*\s*(?:登记|登記)(?:吧|一下|下|了)?\s*[。.!!]?\s*$")

# What may interrupt an open question, and how sure the classifier must be.
INTERRUPTIONS = {
    "human": 0.5, "cancel": 0.5, "query_status": 0.5, "urge": 0.6, "repeat": 0.6, "wait": 0.6, "bot_challenge": 0.6, "capabilities": 0.6,
    "greet": 0.75, "thank": 0.75, "goodbye": 0.75, "abuse": 0.6, "chitchat": 0.75, "out_of_scope": 0.75,
}
ANSWERS = {"affirm": 0.45, "deny": 0.45, "skip": 0.45, "correct": 0.45}
TALK = set(INTERRUPTIONS) | set(ANSWERS) | {"complain_intro"}
SAYS_SOMETHING = {"complain", "faq", "inform_place", "inform_time", "inform_phone", "inform_detail", "correct"}


@dataclass(frozen=True)
class Thresholds:
    """``talk``: least confidence of a small-talk or command intent; ``faq_sure`` / ``faq_likely``: least nearness of an FAQ entry,
    without and with the text looking like a question; ``understood``: below it nothing is believed."""

    talk: float = 0.45
    faq_sure: float = 0.80
    faq_likely: float = 0.58
    understood: float = 0.30


def decide(text: str, ranking: list[dict[str, Any]], meta: dict[str, Any], t: Thresholds) -> tuple[str, float, str]:
    """``(intent, confidence, reason)``.

    ``ranking`` is the classifier's, best first. ``meta`` may hold ``reading`` (kind, kind_confidence, hazard), ``faq`` (best score 0..1),
    ``asked`` (the open question's detail, or "confirmed"), ``choices`` (how many options were offered), ``offered`` (a ticket was offered).
    """
    scores = {r["name"]: float(r["confidence"]) for r in ranking}
    best, sure = (ranking[0]["name"], float(ranking[0]["confidence"])) if ranking else ("", 0.0)
    reading, asked = meta.get("reading") or {}, meta.get("asked")
    faq = float(meta.get("faq") or 0.0)
    short = len(text) <= 24

    if reading.get("hazard"):
        return "hazard", 1.0, "hazard"
    if TICKET_NUMBER.search(text):
        wish = max(("query_status", "urge", "cancel", "correct"), key=lambda i: scores.get(i, 0.0))
        if len(TICKET_NUMBER.sub("", text).strip()) < 2 or scores.get(wish, 0.0) < 0.2:
            wish = "query_status"
        return wish, 1.0, "ticket number"
    if meta.get("choices") and _CHOICE.match(text):
        return "choose", 1.0, "choice"

    if meta.get("offered") and short:
        if best in ("affirm", "complain_intro") or _TAKE_IT.match(text):
            return "affirm", max(sure, 0.9), "offer taken"
        if best in ("deny", "skip", "cancel"):
            return "deny", sure, "offer declined"

    asks = reading.get("kind") == "consult" or scores.get("faq", 0.0) >= 0.4
    if asked:
        if best in ANSWERS and sure >= ANSWERS[best]:
            return best, sure, "answer word"
        if best in INTERRUPTIONS and sure >= INTERRUPTIONS[best] and short:
            return best, sure, "interruption"
        if faq >= t.faq_sure or (asks and faq >= t.faq_likely and best not in ("inform_place", "inform_time", "inform_phone")):
            return "faq", faq, "question inside a form"
        return "answer", 1.0, "open question"
    if best in TALK and best not in SAYS_SOMETHING and sure >= t.talk and (short or sure >= 0.8):
        return best, sure, "talk"
    if best in ("affirm", "deny", "skip", "correct") and sure >= t.talk and short:
        return best, sure, "talk"
    if faq >= t.faq_sure or (asks and faq >= t.faq_likely):
        return "faq", faq, "near an entry"
    if asks and scores.get("complain", 0.0) < 0.5 and reading.get("kind") != "other":
        return "faq", scores.get("faq", 0.0), "question"
    if scores.get("complain", 0.0) >= t.understood or (reading.get("kind") not in (None, "other") and len(text) >= 6 and best in SAYS_SOMETHING):
        return "complain", max(scores.get("complain", 0.0), sure), "complaint"
    if best in TALK and sure >= t.understood:
        return best, sure, "weak talk"
    return "nlu_fallback", sure, "not understood"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class Arbiter(GraphComponent):
    """Last in the pipeline; replaces the classifier's intent and keeps its ranking."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {name: getattr(Thresholds, name) for name in Thresholds.__dataclass_fields__}

    def __init__(self, config: dict[str, Any]) -> None:
        self._thresholds = Thresholds(**{name: float(config[name]) for name in Thresholds.__dataclass_fields__})

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> Arbiter:
        return cls(config)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text, ranking = message.get(TEXT) or "", message.get(INTENT_RANKING_KEY) or []
            intent, confidence, reason = decide(text, ranking, message.get("metadata") or {}, self._thresholds)
            logger.debug("arbiter: %s %.2f (%s)", intent, confidence, reason)
            message.set(INTENT, {"name": intent, "confidence": round(confidence, 4)}, add_to_output=True)
            message.set("arbiter", {"reason": reason, "classifier": ranking[:3]}, add_to_output=True)
        return messages

"""The pipeline's last part: asks :mod:`bot.engine.deciding` what a message is for the dialogue.

The reason is logged and returned as ``arbiter`` in the parse. The arbiter keeps no state: everything it needs arrives as message
metadata (see ``bot/conversation.py`` and ``bot/engine/door.py``).
"""

from __future__ import annotations

import logging
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.deciding import Thresholds, decide

logger = logging.getLogger(__name__)


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
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
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

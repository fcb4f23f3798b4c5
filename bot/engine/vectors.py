"""A dense featurizer without a model of its own: the sentence vector of a message comes with it, made once by the reader."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import FEATURIZER_CLASS_ALIAS
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.packed import DIMENSIONS, unpack


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceVectors(DenseFeaturizer, GraphComponent):
    """Adds a float (1, 384) sentence feature; ``scale`` sets its weight beside the sparse letters.

    A message carries its vector in its metadata. For training the file named by ``MINYI_ENGINE_VECTORS`` holds those of all texts.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {FEATURIZER_CLASS_ALIAS: None, "scale": 6.0}

    def __init__(self, config: dict[str, Any], name: str) -> None:
        super().__init__(name, config)
        self._scale = float(config["scale"])

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceVectors:
        return cls(config, execution_context.node_name)

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        float(config["scale"])

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            packed = (message.get("metadata") or {}).get("vector")
            self._add(message, unpack(packed) if packed else np.zeros(DIMENSIONS, np.float32))
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        known = json.loads(Path(os.environ["MINYI_ENGINE_VECTORS"]).read_text("utf-8"))
        for message in training_data.training_examples:
            text = message.get(TEXT)
            if text and text not in known:
                raise ValueError(f"no vector was made for the training text {text!r}")
            if text:
                self._add(message, unpack(known[text]))
        return training_data

    def _add(self, message: Message, vector: np.ndarray) -> None:
        feature = self._scale * vector[None].astype(np.float32)
        message.add_features(Features(feature, FEATURE_TYPE_SENTENCE, TEXT, self._config[FEATURIZER_CLASS_ALIAS]))

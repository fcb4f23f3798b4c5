"""Opens the reader the settings point to."""

from __future__ import annotations

from pathlib import Path

from minyi.settings import Settings
from nlu.e5 import E5Small
from nlu.encoder import CachedEncoder, Encoder
from nlu.reader import City, Reader
from nlu.store import CARD, load


def cached_encoder(settings: Settings) -> Encoder:
    """For texts that come back at every start or training: shipped data and FAQ, never residents' messages."""
    return CachedEncoder(E5Small(), settings.models / "vectors.sqlite")


def open_reader(settings: Settings, model: str | None = None) -> Reader:
    """The model in service; ``model`` names another version, or a folder that holds one."""
    if model and (Path(model) / CARD).is_file():
        return Reader(load(Path(model)), E5Small(), City.load(settings.training_data))
    return Reader.open(settings.models, settings.training_data, model)

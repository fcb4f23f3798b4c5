"""``minyi prepare``: builds the models that are missing."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from minyi.progress import meter
from minyi.settings import Settings, load_settings


class Part(StrEnum):
    everything = "all"
    reader = "reader"
    dialogue = "dialogue"


def prepare(
    part: Annotated[Part, typer.Argument(help="what to build")] = Part.everything,
    force: Annotated[bool, typer.Option("--force", help="build anew even when a model is there")] = False,
) -> None:
    """Trains the reader and the dialogue model where there is none for the present data."""
    settings = load_settings()
    built = part != Part.dialogue and _reader(settings, force)
    built |= part != Part.reader and _dialogue(settings, force)
    if not built:
        typer.echo(f"{part.value}: in place", err=True)


def build_missing(settings: Settings) -> bool:
    """True when something was built. A damaged model is not replaced in silence: its error says what to do."""
    built = _reader(settings, force=False)
    return _dialogue(settings, force=False) or built


def _reader(settings: Settings, force: bool) -> bool:
    from nlu import store

    serving = store.current(settings.models)
    if not force and serving is not None and (settings.models / serving).is_dir():
        return False
    from minyi.commands.train import make_model
    from minyi.reader import cached_encoder
    from nlu.knowledge import Knowledge, load_answers

    folder = make_model(settings, [], None, True, True, True)
    store.promote(settings.models, folder.name)
    with meter() as tell:  # remembered, so that the first start need not encode them
        Knowledge(
            load_answers(settings.training_data / "faq"),
            cached_encoder(settings),
            progress=lambda done, total: tell("常见问题 questions", done / total),
        )
    return True


def _dialogue(settings: Settings, force: bool) -> bool:
    from minyi import dialogue

    if not force and dialogue.archive(settings).is_file():
        return False
    with meter() as tell:
        dialogue.train(settings, tell)
    return True

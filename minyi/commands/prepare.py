"""``minyi prepare``: builds the models that are missing."""

from __future__ import annotations

from typing import Annotated

import typer

from minyi.progress import meter
from minyi.settings import Settings, load_settings


def prepare(
    force: Annotated[bool, typer.Option("--force", help="build anew even when a model is there")] = False,
    reader: Annotated[bool, typer.Option("--reader", help="the reader only")] = False,
) -> None:
    """Trains the reader and the dialogue model where there is none for the present data."""
    if not build_missing(load_settings(), force, dialogue_too=not reader):
        typer.echo("models are in place", err=True)


def build_missing(settings: Settings, force: bool = False, dialogue_too: bool = True) -> bool:
    """True when something was built. A damaged model is not replaced in silence: its error says what to do."""
    from minyi import dialogue
    from nlu import store

    built = False
    serving = store.current(settings.models)
    if force or serving is None or not (settings.models / serving).is_dir():
        from minyi.commands.train import make_model

        folder = make_model(settings, [], None, True, True, True)
        store.promote(settings.models, folder.name)
        built = True
    if dialogue_too and (force or not dialogue.archive(settings).is_file()):
        with meter() as tell:
            dialogue.train(settings, tell)
        built = True
    return built

"""``minyi models``: versions of the reader, which one serves, and the way back."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from minyi.settings import load_settings
from nlu.errors import ModelMissing

app = typer.Typer(help="Versions of the reader: list, promote, rollback.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """All versions, oldest first; the one in service is marked."""
    from nlu import store

    settings = load_settings()
    cards, serving = store.versions(settings.models), store.current(settings.models)
    if as_json:
        print(
            json.dumps(
                [{**_short(card), "in_service": card["version"] == serving} for card in cards],
                ensure_ascii=False,
                indent=1,
            )
        )
        return
    table = Table("", "version", "made", "texts", "from the desk", "accuracy", "macro-F1")
    for card in cards:
        row = _short(card)
        table.add_row(
            "●" if card["version"] == serving else "",
            *(str(row[k]) for k in ("version", "created", "texts", "desk_labels", "accuracy", "macro_f1")),
        )
    Console().print(table)


@app.command()
def promote(version: str) -> None:
    """Puts VERSION into service; running services read with it after a restart."""
    from nlu import store

    store.promote(load_settings().models, version)
    typer.echo(f"in service: {version} (takes effect at the next start of `minyi up`)", err=True)


@app.command()
def rollback() -> None:
    """Goes back to the version that served before."""
    from nlu import store

    settings = load_settings()
    past = store.history(settings.models)
    if len(past) < 2:
        raise ModelMissing(f"{settings.models}: no earlier version to go back to; see `minyi models list`")
    store.promote(settings.models, past[1])
    typer.echo(f"in service: {past[1]} (takes effect at the next start of `minyi up`)", err=True)


def _short(card: dict) -> dict:
    scores = card["scores"]["department"]
    return {
        "version": card["version"],
        "created": card["created"],
        "texts": card["data"]["texts"],
        "desk_labels": card["data"].get("desk_labels", 0),
        "accuracy": scores["accuracy"],
        "macro_f1": scores["macro_f1"],
    }

"""``minyi train``: learns from shipped data, operators' files and the desk's corrections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from minyi.progress import meter
from minyi.settings import Settings, load_settings
from nlu.catalogue import Catalogue
from nlu.errors import DataMalformed


def train(
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="labelled CSV or JSON Lines; may be given several times")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="folder of the new model; under the models folder when not given")
    ] = None,
    catalogue: Annotated[
        str,
        typer.Option("--catalogue", help="`city` checks labels against the catalogue, `none` takes them from the file"),
    ] = "city",
    shipped: Annotated[
        bool, typer.Option("--shipped/--no-shipped", help="also learn from the shipped complaints")
    ] = True,
    labels: Annotated[
        bool, typer.Option("--labels/--no-labels", help="also learn from corrections made at the desk")
    ] = True,
    seed: Annotated[int, typer.Option(help="same data and seed give the same scores")] = 13,
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="put the model into service when it has no --out")
    ] = True,
) -> None:
    """Trains a reader and prints its held-out scores.

    Without --data: the shipped complaints and the corrections agents made at the desk. With --data FILE: these and the files.
    With --catalogue none: the files alone, with whatever labels they use (how another city starts).
    """
    if catalogue not in ("city", "none"):
        raise typer.BadParameter("--catalogue is `city` or `none`")
    if catalogue == "none" and not data:
        raise typer.BadParameter("--catalogue none needs --data")
    settings = load_settings()
    folder = make_model(settings, data or [], out, catalogue == "city", shipped, labels, seed)
    if out is None and promote:
        if catalogue == "none":
            typer.echo(f"not put into service: labels are not the catalogue's; use it with --model {folder}", err=True)
            return
        from nlu import store

        store.promote(settings.models, folder.name)
        typer.echo(f"in service: {folder.name}", err=True)


def make_model(
    settings: Settings, files: list[Path], out: Path | None, city: bool, shipped: bool, labels: bool, seed: int = 13
) -> Path:
    """Trains, saves and prints; the folder of the new version."""
    from minyi.reader import cached_encoder
    from nlu import store
    from nlu.catalogue import load_catalogue
    from nlu.e5 import E5Small
    from nlu.training.dataset import load_examples
    from nlu.training.pipeline import train as fit
    from nlu.urgency import load_cues

    known = load_catalogue(settings.training_data / "catalogue") if city else None
    cues = load_cues(settings.training_data / "catalogue" / "hazard_cues.yml", known) if known else None
    if out is not None and out.exists() and any(out.iterdir()):
        raise DataMalformed(f"{out}: not empty; models are never overwritten, choose another --out")
    examples = load_examples(files, known)
    learnt = 0
    if city and shipped:
        examples += load_examples(sorted((settings.training_data / "complaints").glob("*.csv")), known)
    if city and labels:
        corrections = _corrections(settings, known)
        learnt = len(corrections)
        examples += corrections
    with meter() as tell:
        encoder = cached_encoder(settings) if city else E5Small()
        model = fit(examples, encoder, known, seed=seed, progress=tell, cues=cues)
    model.card["data"]["desk_labels"] = learnt
    folder = out or settings.models / model.version
    store.save(model, folder)
    report(model.card)
    typer.echo(f"saved: {folder}", err=True)
    return folder


def _corrections(settings: Settings, catalogue: Catalogue | None) -> list:
    from desk.database import open_database
    from desk.labels import labelled_texts
    from nlu.training.dataset import Example

    if settings.database.startswith("sqlite:///") and not Path(settings.database.removeprefix("sqlite:///")).exists():
        return []
    with open_database(settings.database).session() as session:
        return [Example(**row) for row in labelled_texts(session, catalogue)]


def report(card: dict) -> None:
    """The scores of a card as a table on stdout."""
    table = Table(title=f"{card['version']} · each text judged with it left out", title_justify="left")
    for column in ("decision", "examples", "labels", "accuracy", "macro-F1", "top 3", "ECE"):
        table.add_column(column, justify="left" if column == "decision" else "right")
    for name, s in card["scores"].items():
        table.add_row(
            name,
            str(s["examples"]),
            str(len(card["data"].get(name, {}))),
            *(f"{s[k]:.3f}" for k in ("accuracy", "macro_f1", "top3", "ece")),
        )
    Console().print(table)
    d = card["scores"]["department"]
    if d["auto_precision"] is not None:
        Console().print(
            f"automatic routing: {d['auto_share']:.1%} of texts at precision {d['auto_precision']:.1%}; candidates hold {d['candidates_mean']} departments on average"
        )

"""``minyi data``: checks what people wrote before anything learns from it."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from minyi.progress import meter
from minyi.settings import load_settings
from nlu.errors import DataMalformed

MOST_NEAR = 0.01  # of all texts: a corpus of one text in many dresses teaches nothing

app = typer.Typer(help="Checks catalogue, places, complaints and FAQ; finds doubtful labels.", no_args_is_help=True)


@app.command()
def audit(
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="labelled files; the shipped complaints when not given")
    ] = None,
    catalogue: Annotated[str, typer.Option("--catalogue", help="`city` or `none`, as for `minyi train`")] = "city",
    field: Annotated[str, typer.Option("--field", help="department, item, urgency or kind")] = "department",
    share: Annotated[float, typer.Option("--share", min=0.001, max=1.0, help="how many of the texts to list")] = 0.03,
    out: Annotated[Path | None, typer.Option("--out", help="write CSV here instead of to stdout")] = None,
) -> None:
    """Lists the labels that are most likely wrong, worst first, as CSV: where, given, suggested, chance, quality, words, text.

    A model judges every text without having seen it; what it and the label disagree on most is worth a second look.
    """
    from minyi.reader import cached_encoder
    from nlu.catalogue import load_catalogue
    from nlu.e5 import E5Small
    from nlu.training.audit import doubtful
    from nlu.training.dataset import load_examples
    from nlu.training.pipeline import learn

    if catalogue not in ("city", "none"):
        raise typer.BadParameter("--catalogue is `city` or `none`")
    settings = load_settings()
    known = load_catalogue(settings.training_data / "catalogue") if catalogue == "city" else None
    files = data or sorted((settings.training_data / "complaints").glob("*.csv"))
    examples = load_examples(files, known)
    with meter() as tell:
        learnt = learn(examples, E5Small() if data else cached_encoder(settings), known, progress=tell)
    doubts = doubtful(learnt, field, share)
    with out.open("w", encoding="utf-8-sig", newline="") if out else nullcontext(sys.stdout) as target:
        writer = csv.writer(target)
        writer.writerow(["where", "given", "suggested", "chance", "quality", "words", "text"])
        for d in doubts:
            writer.writerow(
                [d.example.source, d.given, d.suggested, d.chance, d.quality, " ".join(d.words), d.example.text]
            )
    typer.echo(f"{len(doubts)} of {len(learnt.examples)} labels of '{field}' to look at", err=True)


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """Reads everything under the training data folder; every fault with file and line, exit status 1 when there is one."""
    from nlu.knowledge import load_answers
    from nlu.reader import City
    from nlu.service_points import load_service_points
    from nlu.training.dataset import contradictions, load_examples, near_duplicates

    settings = load_settings()
    city = City.load(settings.training_data)
    answers = load_answers(settings.training_data / "faq", city.catalogue.departments)
    examples = load_examples(sorted((settings.training_data / "complaints").glob("*.csv")), city.catalogue)
    judges = load_examples(sorted((settings.training_data / "held_out").glob("*.csv")), city.catalogue)
    twice = contradictions([*examples, *judges])
    if twice:
        raise DataMalformed("\n".join(twice[:40]))
    near = near_duplicates([*examples, *judges])
    if len(near) > MOST_NEAR * len(examples):
        told = [f"{b.source}: nearly the same as {a.source} ({share:.0%} of 3-grams)" for a, b, share in near[:40]]
        raise DataMalformed("\n".join([f"{len(near)} near-duplicates, at most {MOST_NEAR:.0%} are allowed", *told]))
    points = load_service_points(settings.training_data / "service_points", city.places)
    report = {
        "catalogue_version": city.catalogue.changelog.version or "none",
        "departments": len(city.catalogue.departments),
        "topics": len(city.catalogue.groups),
        "items": len(city.catalogue.items),
        "hazards": len(city.catalogue.hazards),
        "ownership_rules": len(city.catalogue.rules),
        "out_of_scope_grounds": len(city.catalogue.grounds),
        "districts": len(city.places.districts),
        "subdistricts": len(city.places.subdistricts),
        "communities": city.places.communities,
        "faq": len(answers),
        "service_points": len(points),
        "complaints": len(examples),
        "complaints_held_out": len(judges),
        "near_duplicates": len(near),
        "departments_without_complaints": sorted(set(city.catalogue.departments) - {e.department for e in examples}),
        "items_without_complaints": sorted(set(city.catalogue.items) - {e.item for e in examples}),
        "urgency": dict(Counter(e.urgency for e in examples)),
        "kind": dict(Counter(e.kind for e in examples)),
    }
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
        return
    table = Table(show_header=False, box=None)
    for name, value in report.items():
        table.add_row(
            name.replace("_", " "), ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
        )
    Console().print(table)

"""``minyi data``: checks what people wrote before anything learns from it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from minyi.settings import load_settings
from nlu.errors import DataMalformed

MOST_NEAR = 0.01  # of all texts: a corpus of one text in many dresses teaches nothing

app = typer.Typer(help="Checks catalogue, places, complaints and FAQ.", no_args_is_help=True)


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

"""``minyi evaluate``: how well a model reads labelled texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from minyi.progress import meter
from minyi.settings import load_settings


def evaluate(
    data: Annotated[list[Path], typer.Option("--data", help="labelled CSV or JSON Lines; may be given several times")],
    model: Annotated[
        str | None, typer.Option("--model", help="a version under the models folder, or a model folder")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Compares readings with the labels of --data: accuracy, macro-F1, top 3, calibration, urgency, by department."""
    from minyi.reader import open_reader
    from nlu.training.dataset import load_examples
    from nlu.training.evaluate import evaluate as measure

    settings = load_settings()
    reader = open_reader(settings, model)
    examples = load_examples(data, None if reader.own_labels else reader.city.catalogue)
    with meter() as tell:
        report = measure(reader, examples, lambda done, total: tell(f"读取 reading {done}/{total}", done / total))
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        _show(report)


def _show(report: dict[str, Any]) -> None:
    console = Console()
    console.print(f"model {report['model']}, {report['examples']} texts")
    for name, figures in report.items():
        if isinstance(figures, dict):
            plain = {k: v for k, v in figures.items() if not isinstance(v, dict | list) and v is not None}
            console.print(f"[bold]{name}[/bold]  " + "  ".join(f"{k} {v}" for k, v in plain.items()))
    table = Table("department", "cases", "precision", "recall", "F1")
    for code, row in sorted(report["department"]["by_department"].items(), key=lambda kv: kv[1]["f1"]):
        table.add_row(
            code,
            str(row["cases"]),
            *(f"{row[k]:.2f}" if row[k] is not None else "–" for k in ("precision", "recall", "f1")),
        )
    console.print(table)

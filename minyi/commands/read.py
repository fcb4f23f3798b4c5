"""``minyi read``: what a text, or every text of a file, tells."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from minyi.progress import meter
from minyi.settings import load_settings
from nlu.errors import DataMalformed

if TYPE_CHECKING:
    from nlu.reader import Reader
    from nlu.reading import Reading


def read(
    text: Annotated[str | None, typer.Argument(help="one text")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="CSV or JSON Lines with a column `text`")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="where the readings go: .jsonl (whole) or .csv (main columns); - for stdout"),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="a version under the models folder, or a model folder")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON rather than a table")] = False,
) -> None:
    """Reads one TEXT, or every row of --file into --out.

    Rows that cannot be read are reported and skipped; the exit status is then 1 (0 when every row was read).
    """
    if (text is None) == (file is None):
        raise typer.BadParameter("give either a text or --file")
    from minyi.reader import open_reader

    reader = open_reader(load_settings(), model)
    if text is not None:
        reading = reader.read(text)
        if as_json or not sys.stdout.isatty():
            print(json.dumps(reading.to_dict(), ensure_ascii=False, indent=1))
        else:
            _show(reading, reader)
        return
    if file is None or out is None:
        raise typer.BadParameter("--file needs --out (a file, or - for stdout)")
    skipped = _read_file(reader, file, out)
    if skipped:
        raise typer.Exit(1)


def _read_file(reader: Reader, file: Path, out: Path) -> int:
    from nlu.training.dataset import read_rows

    rows = list(read_rows(file))
    good = [row for _, row in rows if isinstance(row, dict)]
    skipped = 0
    for line, row in rows:
        if isinstance(row, str):
            skipped += 1
            print(f"{file}:{line}: skipped, {row}", file=sys.stderr)
    if not good:
        raise DataMalformed(f"{file}: no row could be read")
    with meter() as tell:
        readings = _counted(reader.read_many(row["text"] for row in good), len(good), tell)
        if str(out) == "-":
            for reading in readings:
                print(json.dumps(reading.to_dict(), ensure_ascii=False))
        else:
            _write(readings, out)
    print(f"{len(good)} read, {skipped} skipped" + ("" if str(out) == "-" else f" → {out}"), file=sys.stderr)
    return skipped


def _counted(readings: Iterator[Reading], total: int, tell: Any) -> Iterator[Reading]:
    for number, reading in enumerate(readings, 1):
        if number % 16 == 0 or number == total:
            tell(f"读取 reading {number}/{total}", number / total)
        yield reading


def _write(readings: Iterator[Reading], out: Path) -> None:
    """Writes beside the target and renames, so that a broken run leaves no half file."""
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with fresh.open("w", encoding="utf-8", newline="") as file:
            if out.suffix.lower() == ".csv":
                writer = csv.DictWriter(file, _COLUMNS)
                writer.writeheader()
                writer.writerows(_flat(r) for r in readings)
            else:
                while lines := [json.dumps(r.to_dict(), ensure_ascii=False) + "\n" for r in islice(readings, 64)]:
                    file.writelines(lines)
        fresh.replace(out)
    except OSError as error:
        raise DataMalformed(f"{out}: cannot be written ({error.strerror}); choose another --out") from None
    finally:
        with suppress(OSError):
            fresh.unlink()


_COLUMNS = [
    "text",
    "department",
    "department_name",
    "confidence",
    "decision",
    "item",
    "item_name",
    "kind",
    "urgency",
    "hazard",
    "district",
    "subdistrict",
    "place",
    "time",
    "phone",
    "model",
]


def _flat(r: Reading) -> dict[str, Any]:
    first, item = (r.departments or (None,))[0], (r.items or (None,))[0]
    return {
        "text": r.text,
        "department": first and first.code,
        "department_name": first and first.name,
        "confidence": first and first.confidence,
        "decision": r.decision,
        "item": item and item.code,
        "item_name": item and item.name,
        "kind": r.kind.label,
        "urgency": r.urgency.level,
        "hazard": r.urgency.hazard,
        "district": r.place and r.place.district_name,
        "subdistrict": r.place and r.place.subdistrict_name,
        "place": r.place and r.place.text,
        "time": r.time and r.time.text,
        "phone": r.phone,
        "model": r.model,
    }


def _show(r: Reading, reader: Reader) -> None:
    from rich.table import Table
    from rich.text import Text

    from nlu.reading import KINDS, URGENCIES

    console = Console()
    shown = Text(r.text)
    for e in r.evidence:
        shown.stylize("bold yellow", e.start, e.end)
    for span in r.urgency.reasons:
        shown.stylize("bold red", span.start, span.end)
    console.print(shown)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for choice in r.departments:
        table.add_row("部门", choice.name, f"{choice.confidence:.0%}", choice.code)
    for choice in r.items:
        table.add_row("事项", choice.name, f"{choice.confidence:.0%}", choice.code)
    table.add_row("分拨", {"auto": "自动", "review": "人工复核"}[r.decision], "", " ".join(r.candidates))
    table.add_row("类型", KINDS.get(r.kind.label, r.kind.label), f"{r.kind.confidence:.0%}", r.kind.label)
    hazard = reader.city.catalogue.hazards.get(r.urgency.hazard or "")
    table.add_row("紧急程度", URGENCIES[r.urgency.level], f"{r.urgency.confidence:.0%}", hazard.name if hazard else "")
    if r.place:
        table.add_row(
            "地点", r.place.text, "", " ".join(filter(None, [r.place.district_name, r.place.subdistrict_name]))
        )
    if r.time:
        table.add_row("时间", r.time.text)
    if r.phone:
        table.add_row("电话", r.phone)
    console.print(table)
    if r.urgency.advice:
        console.print(f"[bold red]{r.urgency.advice}[/bold red]")

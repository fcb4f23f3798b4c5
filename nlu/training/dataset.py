"""Labelled complaints from CSV or JSON Lines: ``text`` and any of :data:`LABELS`."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from nlu.catalogue import Catalogue
from nlu.errors import DataMalformed
from nlu.reading import KINDS, URGENCIES
from nlu.text import normalise, sound

LABELS = ("department", "item", "urgency", "kind", "hazard", "place", "time", "phone")
SPANS = ("place", "time", "phone")  # words that stand in the text
csv.field_size_limit(10_000_000)


@dataclass(frozen=True)
class Example:
    """A text with what is known of it; "" where unknown. ``source`` is "file:line" for messages."""

    text: str
    department: str = ""
    item: str = ""
    urgency: str = ""
    kind: str = ""
    hazard: str = ""
    place: str = ""
    time: str = ""
    phone: str = ""
    source: str = ""
    weight: float = 1.0


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Rows of a CSV or JSON Lines file as ``(line, row)``; a row that cannot be read is ``(line, what is wrong)``.

    Raises :class:`DataMalformed` when the file as a whole cannot be read or has no column ``text``.
    """
    if not path.is_file():
        raise DataMalformed(f"{path}: no such file")
    if path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
        yield from _read_json_lines(path)
    else:
        yield from _read_csv(path)


def _read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, str] | str]]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            try:
                row = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
            except (UnicodeDecodeError, ValueError, RecursionError) as error:
                yield number, f"not a line of JSON in UTF-8 ({error})"
                continue
            if not isinstance(row, dict) or not isinstance(row.get("text"), str):
                yield number, "expected an object with a string 'text'"
            else:
                yield number, {str(k): "" if v is None else sound(str(v)) for k, v in row.items()}


def _read_csv(path: Path) -> Iterator[tuple[int, dict[str, str] | str]]:
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            content = path.read_bytes().decode("gb18030")  # what spreadsheets in China write
        except UnicodeDecodeError as error:
            raise DataMalformed(f"{path}: neither UTF-8 nor GB18030 ({error}); save it as UTF-8 CSV") from None
    if "\0" in content[:4096]:
        raise DataMalformed(f"{path}: not a text file; export it as CSV")
    lines = list(io.StringIO(content, newline=""))
    reader = csv.reader(lines)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise DataMalformed(f"{path}:1: not readable as CSV ({error})") from None
    if "text" not in header:
        raise DataMalformed(f"{path}:1: no column 'text'; found {', '.join(header) or 'an empty file'}")
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield line, f"not readable as CSV ({error})"
            continue
        if cells is None:
            return
        if not cells:
            continue
        if reader.line_num == len(lines) > line and _open_ended(lines[line - 1 :]):
            yield line, "a quote is opened here and never closed; everything below it was taken for one text"
        elif len(cells) != len(header):
            yield line, f"{len(cells)} columns where the header has {len(header)}; quote texts that contain commas"
        else:
            yield line, dict(zip(header, cells, strict=True))


def _open_ended(lines: list[str]) -> bool:
    """True when the last row of a file lacks its closing quote."""
    try:
        return not list(csv.reader(lines, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)


def load_examples(paths: Iterable[Path], catalogue: Catalogue | None) -> list[Example]:
    """Reads and checks labelled files. With ``catalogue=None`` the labels are whatever the files say.

    Raises :class:`DataMalformed` listing every fault (at most 40) with file and line.
    """
    faults: list[str] = []
    examples: list[Example] = []
    for path in paths:
        before = len(examples)
        for line, row in read_rows(path):
            where = f"{path}:{line}"
            if isinstance(row, str):
                faults.append(f"{where}: {row}")
                continue
            labels: dict[str, Any] = {k: (row.get(k) or "").strip() for k in LABELS}
            if catalogue:  # codes that were merged into others since the text was labelled
                labels |= {k: catalogue.changelog.now(labels[k]) for k in ("department", "item")}
            example = Example(text=row["text"].strip(), source=where, **labels)
            problem = fault_of(example, catalogue)
            if problem:
                faults.append(f"{where}: {problem}")
            else:
                examples.append(complete(example, catalogue))
        if len(examples) == before and not faults:
            faults.append(f"{path}: no rows below the header")
    if faults:
        more = [f"… and {len(faults) - 40} more"] if len(faults) > 40 else []
        raise DataMalformed("\n".join(faults[:40] + more))
    return examples


def fault_of(example: Example, catalogue: Catalogue | None) -> str | None:
    """What is wrong with one example, in one line, or None."""
    if not example.text:
        return "empty text"
    if example.urgency and example.urgency not in URGENCIES:
        return f"unknown urgency '{example.urgency}'; known: {', '.join(URGENCIES)}"
    if catalogue is None:
        return None
    if example.kind and example.kind not in KINDS:
        return f"unknown kind '{example.kind}'; known: {', '.join(KINDS)}"
    for what, known in (
        ("department", catalogue.departments),
        ("item", catalogue.items),
        ("hazard", catalogue.hazards),
    ):
        code = getattr(example, what)
        if code and code not in known:
            return f"unknown {what} '{code}'"
    for what in SPANS:
        if (words := getattr(example, what)) and words not in example.text:
            return f"{what} '{words}' does not stand in the text"
    if example.hazard and example.urgency != "critical":
        return f"hazard '{example.hazard}' on a text that is not critical"
    return None


def complete(example: Example, catalogue: Catalogue | None) -> Example:
    """Fills the department that follows from the item."""
    if catalogue and example.item and not example.department:
        return replace(example, department=catalogue.items[example.item].department)
    return example


def contradictions(examples: Iterable[Example]) -> list[str]:
    """Texts that stand twice, with both places; the same text under two departments or items says so."""
    first: dict[str, Example] = {}
    found = []
    for example in examples:
        key = normalise(example.text)
        other = first.setdefault(key, example)
        if other is not example:
            same = (other.department, other.item) == (example.department, example.item)
            found.append(
                f"{example.source}: the text already stands at {other.source}"
                + ("" if same else f" as {other.department}/{other.item}, here {example.department}/{example.item}")
            )
    return found


def near_duplicates(examples: Sequence[Example], bar: float = 0.6) -> list[tuple[Example, Example, float]]:
    """Pairs whose character 3-grams overlap by more than ``bar`` (Jaccard, 0..1), nearest first."""
    grams = CountVectorizer(
        analyzer="char", ngram_range=(3, 3), binary=True, preprocessor=normalise, dtype=np.float32
    ).fit_transform([e.text + "\0\0" for e in examples])  # texts of one or two letters have a gram too
    size, turned = np.asarray(grams.sum(axis=1)).ravel(), grams.T.tocsr()
    found: list[tuple[Example, Example, float]] = []
    for start in range(0, len(examples), 500):
        both = (grams[start : start + 500] @ turned).tocoo()
        a, b = both.row + start, both.col
        share = both.data / (size[a] + size[b] - both.data)
        for i in np.flatnonzero((a < b) & (share > bar)):
            found.append((examples[a[i]], examples[b[i]], round(float(share[i]), 3)))
    return sorted(found, key=lambda pair: -pair[2])


def fingerprint(examples: Iterable[Example]) -> str:
    """sha256 over texts and labels, independent of file names and order."""
    rows = sorted("\x1f".join([e.text, *(getattr(e, k) for k in LABELS)]) for e in examples)
    return hashlib.sha256("\x1e".join(rows).encode()).hexdigest()


def counts(examples: Iterable[Example], what: str) -> dict[str, int]:
    """How many examples carry each label of ``what``, most frequent first."""
    return dict(Counter(getattr(e, what) for e in examples if getattr(e, what)).most_common())

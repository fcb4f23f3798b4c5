"""A model on disk: ``model.json`` (the card), ``weights.safetensors``, ``vocabulary.json``. Nothing in it can run code.

One folder a version, never edited. ``current`` beside the folders names the version in service.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from nlu.errors import ModelDamaged, ModelIncompatible, ModelMissing
from nlu.heads import Anchors, GramWeights, Head, Join, Ngrams

FORMAT = 5
CARD, WEIGHTS, VOCABULARY, POINTER = "model.json", "weights.safetensors", "vocabulary.json", "current"
_ARRAYS = ("anchor_weights", "mix", "bias")
_HALF = ("anchor_weights", "anchors.vectors")  # scores move in the fourth digit, the file halves


@dataclass(frozen=True)
class Model:
    """What training yields and reading needs. ``heads`` by decision: department, item, urgency, hazard, kind."""

    ngrams: Ngrams
    anchors: Anchors
    heads: dict[str, Head]
    join: Join | None
    card: dict[str, Any]

    @property
    def version(self) -> str:
        return str(self.card["version"])


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save(model: Model, folder: Path) -> None:
    """Writes a new version; the folder appears whole or not at all. An existing folder is never overwritten."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelIncompatible(
            f"{folder}: already there and not empty; models are never overwritten, choose another folder"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise ModelIncompatible(f"{folder}: cannot be written ({error.strerror}); choose another folder") from None
    try:
        _write(model, building)
        building.chmod(0o755)
        building.replace(folder)  # an empty folder gives way
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _write(model: Model, building: Path) -> None:
    arrays: dict[str, np.ndarray] = {
        f"head.{name}.{a}": np.ascontiguousarray(getattr(head, a), np.float32)
        for name, head in model.heads.items()
        for a in _ARRAYS
    }
    for name, head in model.heads.items():
        arrays[f"head.{name}.gram_weights"] = np.ascontiguousarray(head.gram_weights.whole)
        arrays[f"head.{name}.gram_sizes"] = head.gram_weights.size
    arrays |= {"anchors.mean": model.anchors.mean, "anchors.vectors": model.anchors.vectors}
    if model.join:
        arrays |= {"join.owner": model.join.owner, "join.mix": model.join.mix, "join.bias": model.join.bias}
    arrays = {k: v.astype(np.float16) if k.endswith(_HALF) else v for k, v in arrays.items()}
    arrays["ngrams.idf"] = model.ngrams.idf
    save_file(arrays, building / WEIGHTS)
    vocabulary = {"ngrams": model.ngrams.vocabulary, "labels": {n: list(h.labels) for n, h in model.heads.items()}}
    (building / VOCABULARY).write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    card = {"format": FORMAT, **model.card, "files": {name: sha256(building / name) for name in (WEIGHTS, VOCABULARY)}}
    card["checksum"] = _checksum(card)
    (building / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1), "utf-8")


def _checksum(card: dict[str, Any]) -> str:
    """sha256 over the card but for this figure itself: the promises in it decide what is routed without an agent."""
    rest = {k: v for k, v in card.items() if k != "checksum"}
    return hashlib.sha256(json.dumps(rest, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def load(folder: Path) -> Model:
    """Reads a version. Raises a :class:`ModelMissing`, :class:`ModelDamaged` or :class:`ModelIncompatible` with the remedy."""
    again = "train anew with `minyi train`, or go back with `minyi models rollback`"
    try:
        card = json.loads((folder / CARD).read_text("utf-8"))
    except FileNotFoundError:
        raise ModelMissing(f"{folder}: no model here ({CARD} is missing); make one with `minyi train`") from None
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{folder / CARD}: not readable ({error}); {again}") from None
    if not isinstance(card, dict) or not {"format", "version", "encoder", "promises", "files"} <= card.keys():
        raise ModelDamaged(f"{folder / CARD}: not the card of a model; {again}")
    if card["format"] != FORMAT:
        raise ModelIncompatible(
            f"{folder}: written in format {card.get('format')}, this version reads {FORMAT}; {again}"
        )
    if card.get("checksum", _checksum(card)) != _checksum(card):
        raise ModelDamaged(f"{folder / CARD}: does not match its checksum; {again}")
    for name in (WEIGHTS, VOCABULARY):
        expected = card["files"].get(name)
        if not (folder / name).is_file() or sha256(folder / name) != expected:
            raise ModelDamaged(f"{folder / name}: missing or does not match its checksum; {again}")
    try:
        arrays = load_file(folder / WEIGHTS)
        vocabulary = json.loads((folder / VOCABULARY).read_text("utf-8"))
        heads = {
            name: Head(
                tuple(labels),
                GramWeights(arrays[f"head.{name}.gram_weights"], arrays[f"head.{name}.gram_sizes"]),
                **{a: arrays[f"head.{name}.{a}"].astype(np.float32) for a in _ARRAYS},
            )
            for name, labels in vocabulary["labels"].items()
        }
        ngrams = Ngrams.restore(vocabulary["ngrams"], arrays["ngrams.idf"])
        anchors = Anchors(arrays["anchors.mean"], arrays["anchors.vectors"].astype(np.float32))
        join = Join(arrays["join.owner"], arrays["join.mix"], arrays["join.bias"]) if "join.owner" in arrays else None
        return Model(ngrams, anchors, heads, join, card)
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ModelDamaged(f"{folder}: not readable as a model ({error}); {again}") from None


def versions(models: Path) -> list[dict[str, Any]]:
    """Cards of all versions under ``models``, oldest first; folders that are no model are passed over."""
    cards = []
    for path in sorted(models.glob(f"*/{CARD}")):
        try:
            card = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if (
            isinstance(card, dict)
            and card.get("kind") == "reader"
            and {"version", "created", "data", "scores"} <= card.keys()
        ):
            cards.append(card)
    return sorted(cards, key=lambda c: str(c.get("created", "")))


def current(models: Path) -> str | None:
    """The version in service, or None."""
    try:
        name = (models / POINTER).read_text("utf-8").split()
    except FileNotFoundError:
        return None
    return name[0] if name else None


def history(models: Path) -> list[str]:
    """Versions that were in service, newest first; the first is :func:`current`."""
    try:
        return (models / POINTER).read_text("utf-8").split()
    except FileNotFoundError:
        return []


def promote(models: Path, version: str) -> None:
    """Puts a version into service; it must load. The former ones are remembered for a way back."""
    if Path(version).name != version:
        raise ModelMissing(f"'{version}' is no version under {models}; see `minyi models list`")
    load(models / version)
    lines = [version, *(v for v in history(models) if v != version)]
    fresh = models / f".{POINTER}.{os.getpid()}"
    fresh.write_text("\n".join(lines[:20]) + "\n", "utf-8")
    fresh.replace(models / POINTER)

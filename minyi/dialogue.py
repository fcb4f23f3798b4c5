"""The dialogue engine's model: written data → one archive, remade when the data it was made from changes."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from bot.packed import pack
from minyi.settings import ROOT, Settings
from nlu.encoder import excerpt
from nlu.errors import DataMalformed, ModelDamaged, ModelMissing

DOMAIN, RULES, CONFIG = (
    ROOT / "bot" / "dialogue" / "domain.yml",
    ROOT / "bot" / "dialogue" / "rules.yml",
    ROOT / "config.yml",
)
_CHAT = 60  # characters of a complaint that may stand for one told in a chat; letters are none
_KEPT = 3  # archives; a running service may still need the one before
_MOST = 600  # examples of each generated intent: more slow the training down and change nothing on dev.csv


def engine_environment() -> dict[str, str]:
    """For every process in Rasa's interpreter: our code on its path, no telemetry, no cache folder where it stands."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith("MINYI_") and k not in ("PYTHONHOME", "VIRTUAL_ENV")
    }
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "RASA_TELEMETRY_ENABLED": "false",
        "RASA_MAX_CACHE_SIZE": "0",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",  # its small matrices gain nothing from the core that our own process needs
    }


def fingerprint(settings: Settings) -> str:
    """12 hex digits over everything the dialogue model is made from."""
    digest = hashlib.sha256()
    data = settings.training_data
    files = [
        Path(__file__),
        CONFIG,
        DOMAIN,
        RULES,
        *sorted((ROOT / "bot" / "engine").glob("*.py")),
        ROOT / "bot" / "packed.py",
        ROOT / "nlu" / "e5.py",
        *sorted((data / "dialogue").glob("*.yml")),
        *sorted((data / "complaints").glob("*.csv")),
        *sorted((data / "faq").glob("*.yml")),
    ]
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def archive(settings: Settings) -> Path:
    return settings.models / "dialogue" / f"{fingerprint(settings)}.tar.gz"


def check(settings: Settings) -> Path:
    """The archive to run. Raises :class:`ModelMissing` or :class:`ModelDamaged`."""
    path = archive(settings)
    if not path.is_file():
        raise ModelMissing(f"{path}: no dialogue model for the present data; make one with `minyi prepare`")
    try:
        expected = json.loads(path.with_suffix(".json").read_text("utf-8"))["sha256"]
    except (OSError, ValueError, KeyError):
        expected = None
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != expected:
            raise ModelDamaged(f"{path}: does not match its checksum; delete it and run `minyi prepare`")
    return path


def train(settings: Settings, tell: Callable[[str, float], None] = lambda what, share: None) -> Path:
    """Trains the dialogue model in Rasa's interpreter; the archive appears whole or not at all."""
    target = archive(settings)
    if not settings.rasa_python.is_file():
        raise ModelMissing(f"{settings.rasa_python}: the dialogue engine is not installed; run `make install`")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".building-") as folder:
        building = Path(folder)
        written = sorted((settings.training_data / "dialogue").glob("*.yml"))
        (building / "learnt.yml").write_text(_generated(settings.training_data), "utf-8")
        tell("对话模型 dialogue", 0.05)
        vectors = _vectors(settings, [*written, building / "learnt.yml"])
        (building / "vectors.json").write_text(json.dumps(vectors), "utf-8")
        command = [
            str(settings.rasa_python),
            "-m",
            "bot.engine.run",
            "train",
            "--config",
            str(CONFIG),
            "--domain",
            str(DOMAIN),
            "--out",
            folder,
            "--fixed-model-name",
            "dialogue",
            "--data",
            str(RULES),
            str(settings.training_data / "dialogue"),
            str(building / "learnt.yml"),
        ]
        environment = {
            **engine_environment(),
            "MINYI_ENGINE_VECTORS": str((building / "vectors.json").resolve()),
        }
        tell("对话模型 dialogue", 0.2)
        process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace")
        made = building / "dialogue.tar.gz"
        if process.returncode or not made.is_file():
            log = settings.models / "dialogue" / "train.log"
            log.write_text(process.stdout + process.stderr, "utf-8")
            last = next(
                (line for line in reversed((process.stdout + process.stderr).splitlines()) if line.strip()), "no output"
            )
            raise DataMalformed(f"the dialogue model could not be trained: {last.strip()[:300]} (all of it: {log})")
        with made.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        target.with_suffix(".json").write_text(
            json.dumps({"sha256": digest, "fingerprint": fingerprint(settings)}), "utf-8"
        )
        shutil.move(made, target)
    for old in sorted(target.parent.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)
        old.with_suffix(".json").unlink(missing_ok=True)
    tell("对话模型 dialogue", 1.0)
    return target


def _vectors(settings: Settings, files: Sequence[Path]) -> dict[str, str]:
    """Sentence vectors of all examples in Rasa's files, by text."""
    from minyi.reader import cached_encoder

    blocks = [entry.get("examples", "") for path in files for entry in yaml.safe_load(path.read_text("utf-8"))["nlu"]]
    texts = sorted({line.strip()[1:].strip() for block in blocks for line in block.splitlines() if line.strip()})
    vectors = cached_encoder(settings).encode([excerpt(text) for text in texts])
    return {text: pack(vector) for text, vector in zip(texts, vectors, strict=True)}


def _generated(data: Path) -> str:
    """Complaints and questions as examples of the intents ``complain`` and ``faq``, in Rasa's format."""
    matters: list[str] = []
    questions: list[str] = []
    for path in sorted((data / "complaints").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                # letters are no chat lines: the reader knows them without the dialogue's help
                if row.get("kind") != "other" and 0 < len(row.get("text") or "") <= _CHAT:
                    (questions if row.get("kind") == "consult" else matters).append(row["text"])
    for path in sorted((data / "faq").glob("*.yml")):
        questions += [
            str(question) for entry in yaml.safe_load(path.read_text("utf-8")) for question in entry["questions"]
        ]

    def block(texts: list[str]) -> str:
        flat = sorted({" ".join(text.split()).replace("[", "【").replace("]", "】").strip("-# ") for text in texts})
        step = max(1, -(-len(flat) // _MOST))
        return "".join(f"    - {text}\n" for text in flat[::step] if text)

    # written by hand: Rasa tells its own files by the bare word at the beginning of a line and passes over any other
    return f'version: "3.1"\nnlu:\n- intent: complain\n  examples: |\n{block(matters)}- intent: faq\n  examples: |\n{block(questions)}'

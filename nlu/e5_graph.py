"""The encoder's layers as an ONNX graph whose linear maps take whole numbers of 8 bits.

Rounding the inputs of a map to 256 steps would cost accuracy, as a few channels are ten times as wide as the others. So each channel is first
divided by its own width, measured once on shipped texts (``e5_steps.npz``, made by ``python -m bench.encoder_steps``), and the weights are multiplied by
it (Xiao et al. 2023, "SmoothQuant"). The steps are fixed, so a text's vector does not depend on the texts beside it.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
MICROSOFT = "com.microsoft"  # operators of ONNX Runtime
MAPS = {"qkv": ("q", "k", "v"), "ao": ("ao",), "fi": ("fi",), "fo": ("fo",)}  # maps with one input → tensors of a layer


class Tensors(Protocol):
    """Sizes and weights of the encoder; a matrix is (inputs, outputs)."""

    width: int
    layers: int
    heads: int
    inner: int
    epsilon: float

    def vector(self, name: str) -> Floats: ...

    def matrix(self, name: str, inputs: int) -> Floats: ...


@dataclass(frozen=True)
class Steps:
    """How the input of each map, ``l0.qkv`` to ``l11.fo``, becomes 8 bits: ``round(x / width / step) + zero``."""

    widths: dict[str, Floats]  # by channel; empty: 1 everywhere
    step: dict[str, float]
    zero: dict[str, int]
    fingerprint: str

    @classmethod
    def shipped(cls) -> Steps:
        return cls.read(Path(__file__).with_name("e5_steps.npz"))

    @classmethod
    def read(cls, path: Path) -> Steps:
        with np.load(path, allow_pickle=False) as file:
            names = [name.removesuffix(".step") for name in file.files if name.endswith(".step")]
            return cls(
                {name: file[f"{name}.widths"].astype(np.float32) for name in names},
                {name: float(file[f"{name}.step"]) for name in names},
                {name: int(file[f"{name}.zero"]) for name in names},
                hashlib.blake2b(path.read_bytes(), digest_size=4).hexdigest(),
            )


def graph(weights: Tensors, steps: Steps | None, probe: bool = False) -> bytes:
    """``words`` (texts, tokens, width) and ``mask`` (texts, 1, tokens, tokens), 0 or -1e9 → (texts, tokens, width).

    Without ``steps`` in floats of 32 bits. With ``probe`` the inputs of all maps follow as further outputs.
    """
    nodes = _Nodes()
    width, heads = weights.width, weights.heads

    def normalised(x: str, name: str) -> str:
        gain, bias = nodes.constant(weights.vector(f"{name}.w")), nodes.constant(weights.vector(f"{name}.b"))
        return nodes.add("LayerNormalization", [x, gain, bias], axis=-1, epsilon=weights.epsilon)

    def linear(x: str, layer: str, kind: str, inputs: int = width) -> str:
        if probe:
            nodes.outputs.append(x)
        matrix = np.concatenate([weights.matrix(f"{layer}.{name}.w", inputs) for name in MAPS[kind]], axis=1)
        bias = np.concatenate([weights.vector(f"{layer}.{name}.b") for name in MAPS[kind]])
        name = f"{layer}.{kind}"
        if steps is None:
            return nodes.add("Add", [nodes.add("MatMul", [x, nodes.constant(matrix)]), nodes.constant(bias)])
        return nodes.linear_8(x, matrix, bias, steps.widths[name], steps.step[name], steps.zero[name])

    x = normalised("words", "emb.ln")
    for number in range(weights.layers):
        layer = f"l{number}"
        thirds = nodes.constant(np.array([width] * 3))
        q, k, v = nodes.several("Split", [linear(x, layer, "qkv"), thirds], 3, axis=2)
        seen = nodes.add("MultiHeadAttention", [q, k, v, "", "", "mask"], domain=MICROSOFT, num_heads=heads)
        x = normalised(nodes.add("Add", [x, linear(seen, layer, "ao")]), f"{layer}.aln")
        inner = nodes.add("Gelu", [linear(x, layer, "fi")], domain=MICROSOFT)
        x = normalised(nodes.add("Add", [x, linear(inner, layer, "fo", weights.inner)]), f"{layer}.oln")
    return nodes.bytes(x, width)


def open_session(model: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # threads that wait must not burn the core that others need
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # the fused operator is slower than its two parts
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )


def to_8_bits(matrix: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Whole numbers of (inputs, outputs) and the size of one by output."""
    size = np.maximum(np.abs(matrix).max(axis=0), 1e-12).astype(np.float32) / np.float32(127)
    return np.round(matrix / size).astype(np.int8), size


def adds_without_overflow() -> bool:
    """Whether this processor adds products of unsigned and signed 8 bits in 32: older x86 adds pairs of them in 16 and cuts off."""
    if platform.machine().lower() not in {"x86_64", "amd64", "i686"}:
        return True
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text("ascii", "ignore")
    except OSError:
        return False


class _Nodes:
    """Collects nodes and constants of an ONNX model."""

    def __init__(self) -> None:
        self.outputs: list[str] = []
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._signed = adds_without_overflow()

    def constant(self, value: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        return self.several(operator, inputs, 1, **attributes)[0]

    def several(self, operator: str, inputs: list[str], outputs: int, **attributes: Any) -> list[str]:
        from onnx import helper

        names = [f"n{len(self._nodes)}.{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names

    def linear_8(self, x: str, matrix: Floats, bias: Floats, widths: Floats, step: float, zero: int) -> str:
        """``x @ matrix + bias`` in whole numbers."""
        if len(widths):
            x = self.add("Mul", [x, self.constant(1 / widths)])
            matrix = matrix * widths[:, None]
        whole, size = to_8_bits(matrix)
        weights = whole if self._signed else (whole.astype(np.int16) + 128).astype(np.uint8)
        middle = np.full(len(size), 0 if self._signed else 128, weights.dtype)
        at, one = self.constant(np.array(zero, np.uint8)), self.constant(np.array(step, np.float32))
        rounded = self.add("QuantizeLinear", [x, one, at])
        (matrix_8, sizes, middles, biases) = map(self.constant, (weights, size, middle, bias))
        inputs = [rounded, matrix_8, one, sizes, at, middles, biases]
        return self.add("MatMulIntegerToFloat", inputs, domain=MICROSOFT)

    def bytes(self, output: str, width: int) -> bytes:
        from onnx import TensorProto, helper

        inputs = [
            helper.make_tensor_value_info("words", TensorProto.FLOAT, ["texts", "tokens", width]),
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["texts", 1, "tokens", "tokens"]),
        ]
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", "tokens", None])
            for name in [output, *self.outputs]
        ]
        model = helper.make_graph(self._nodes, "e5", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
        return bytes(helper.make_model(model, opset_imports=opsets, ir_version=8).SerializeToString())

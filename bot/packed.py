"""Sentence vectors as text, for the way into the dialogue engine: 16-bit floats in base64, 1 KB each."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384


def pack(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")


def unpack(packed: str) -> NDArray[np.float32]:
    """(DIMENSIONS,)"""
    return np.frombuffer(base64.b64decode(packed), "<f2").astype(np.float32)

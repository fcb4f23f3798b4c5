"""Reads what residents write. ``Reader.open(models, data).read(text)`` → :class:`Reading`."""

import os

# Threads of the encoder that wait must not burn a core; read by OpenMP when it is loaded, so it stands before everything else.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from nlu.errors import MinyiError
from nlu.reading import Reading

__all__ = ["MinyiError", "Reading"]

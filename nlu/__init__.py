"""Reads what residents write. ``Reader.open(models, data).read(text)`` → :class:`Reading`."""

from nlu.errors import MinyiError
from nlu.reading import Reading

__all__ = ["MinyiError", "Reading"]

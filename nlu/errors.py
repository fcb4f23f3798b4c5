"""The family of errors a user or operator can act on.

Each message holds what was found, where, and what to do. Anything else that escapes is a bug of ours.
"""


class MinyiError(Exception):
    """Base of all errors that are shown to people as one line, without a traceback."""


class DataMalformed(MinyiError):
    """A catalogue, place, FAQ or complaint file breaks its contract; the message names file and line."""


class ModelMissing(MinyiError):
    """No model was found where one was expected."""


class ModelIncompatible(MinyiError):
    """A model was written by another format version or for another catalogue."""


class ModelDamaged(MinyiError):
    """A model's files do not match the checksums written beside them."""


class SettingsInvalid(MinyiError):
    """A setting is unknown or has a value that cannot be used."""

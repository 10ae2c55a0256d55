"""What can go wrong while publishing or reading, each under a name that a caller can catch."""

from __future__ import annotations

from collections.abc import Sequence


class PublishingError(Exception):
    """Any failure of publishing or of reading what was published."""


class MissingMart(PublishingError):
    """A mart that should be published does not exist. Never answered with zero rows.

    ``names`` lists the missing tables.
    """

    def __init__(self, message: str, names: Sequence[str]) -> None:
        super().__init__(message)
        self.names = tuple(names)


class MissingTable(MissingMart):
    """A reader asked for a table that the published version does not hold."""


class NothingPublished(PublishingError):
    """No version has been published in this folder yet."""


class BrokenPublication(PublishingError):
    """A published file is missing or does not say what it must: someone edited or deleted it."""


class UnpublishableColumn(PublishingError):
    """A column's type or values cannot be kept exactly in a published file."""


class KeyNotUnique(PublishingError):
    """Two rows of a mart share its key, so their order, and with it the file's bytes, would be chance."""


class PublishInProgress(PublishingError):
    """Another process is publishing into the same folder."""

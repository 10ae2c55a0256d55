"""What a model says where it cannot say anything: which data are missing, and how much would do."""

from __future__ import annotations


class NotEnoughData(ValueError):
    """Raised in place of a score that would be made up.

    ``what`` names the data ("customers who ordered"), ``needed`` and ``found`` how much of it, in words
    with units, so that the reader knows what to wait for.
    """

    def __init__(self, what: str, needed: str, found: str) -> None:
        self.what, self.needed, self.found = what, needed, found
        super().__init__(f"Not enough data: {what}: needed {needed}, found {found}.")

    def __reduce__(self) -> tuple[type[NotEnoughData], tuple[str, str, str]]:
        return type(self), (self.what, self.needed, self.found)

"""Too little data is an answer, in words, and neither a stack trace nor a made-up score."""

from __future__ import annotations


class NotEnoughData(ValueError):
    """Raised where data do not allow an honest figure.

    ``what`` is what could not be made, ``needed`` the least that would allow it, ``found`` what there is.
    """

    def __init__(self, what: str, needed: str, found: str) -> None:
        super().__init__(f"not enough data for {what}: needs {needed}, found {found}")
        self.what, self.needed, self.found = what, needed, found

    def __reduce__(self) -> tuple[type[NotEnoughData], tuple[str, str, str]]:
        """Exceptions are pickled by their message; this one is made of three parts."""
        return type(self), (self.what, self.needed, self.found)

"""Pieces of Markdown that all written pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: Head of every written file; ``source`` says what to edit instead.
GENERATED = "<!-- Written by `make dictionary` from {source}; edit that instead. -->"


def cell(text: str) -> str:
    """Text on one line, safe inside a table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table as lines."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return lines

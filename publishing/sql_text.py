"""Quoting for the few places where DuckDB takes no parameter: names, views and file lists."""

from __future__ import annotations

from collections.abc import Iterable


def identifier(*parts: str) -> str:
    """A quoted SQL name; several parts are joined by dots (``identifier("marts", "fct")``)."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def identifiers(names: Iterable[str]) -> str:
    """Quoted names, separated by commas."""
    return ", ".join(identifier(name) for name in names)


def literal(text: str) -> str:
    """A quoted SQL string."""
    return "'" + text.replace("'", "''") + "'"

"""Checks the SQL fragments a mapping may contain: one deterministic scalar expression, nothing more.

The fragment is parsed by DuckDB itself (``json_serialize_sql``), its tree is walked, and the SQL
that is later run is written back from the tree, so a comment or a stray bracket in the YAML cannot
reach outside its place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb

_FORBIDDEN_CLASSES = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star",
    "PARAMETER": "a parameter",
}


class ExpressionError(ValueError):
    """The text is not one deterministic scalar expression; the message says why."""


@dataclass(frozen=True)
class Expression:
    """A checked expression: ``sql`` to run, and the source ``columns`` it reads (dotted names)."""

    sql: str
    columns: tuple[str, ...]


def quote_identifier(name: str) -> str:
    """``name`` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """``text`` as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


@lru_cache(maxsize=512)
def parse_expression(text: str) -> Expression:
    """Parse ``text`` into an ``Expression``; ``ExpressionError`` if it is anything but one scalar expression.

    A reference of several parts such as ``item.price`` becomes the one column ``"item.price"``: the
    readers offer nested fields under their dotted names.
    """
    with duckdb.connect() as connection:
        row = connection.execute("SELECT json_serialize_sql(?)", ["SELECT " + text]).fetchone()
        tree = json.loads(row[0])  # type: ignore[index]
        if tree.get("error"):
            raise ExpressionError(f"not valid SQL: {tree.get('error_message')}")
        statements = tree["statements"]
        node = statements[0]["node"] if statements else {}
        plain = (
            len(statements) == 1
            and node.get("type") == "SELECT_NODE"
            and len(node["select_list"]) == 1
            and node["from_table"]["type"] == "EMPTY"
            and not any(node.get(key) for key in ("where_clause", "having", "qualify", "sample", "modifiers"))
            and not node.get("group_expressions")
            and not node.get("cte_map", {}).get("map")
        )
        if not plain:
            raise ExpressionError("expected one expression, found a whole query or several expressions")
        columns: dict[str, None] = {}
        functions: set[str] = set()
        _walk(node["select_list"][0], frozenset(), columns, functions)
        _check_functions(connection, functions)
        row = connection.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(tree)]).fetchone()
    sql: str = row[0]  # type: ignore[index]
    return Expression(sql.removeprefix("SELECT "), tuple(columns))


def _walk(node: Any, bound: frozenset[str], columns: dict[str, None], functions: set[str]) -> None:
    """Collect column and function names below ``node``, joining dotted references in place."""
    if isinstance(node, list):
        for child in node:
            _walk(child, bound, columns, functions)
        return
    if not isinstance(node, dict):
        return
    kind = node.get("class")
    if kind in _FORBIDDEN_CLASSES:
        raise ExpressionError(f"expected one scalar expression without {_FORBIDDEN_CLASSES[kind]}")
    if kind == "COLUMN_REF":
        names = node["column_names"]
        if names[0] not in bound:
            node["column_names"] = [".".join(names)]
            columns[".".join(names)] = None
        return
    if kind == "LAMBDA":
        parameters: dict[str, None] = {}
        _walk(node["lhs"], frozenset(), parameters, functions)
        _walk(node["expr"], bound | set(parameters), columns, functions)
        return
    if kind == "FUNCTION" and not node.get("is_operator"):
        functions.add(node["function_name"].lower())
    for child in node.values():
        _walk(child, bound, columns, functions)


def _check_functions(connection: duckdb.DuckDBPyConnection, functions: set[str]) -> None:
    """Refuse aggregates, table functions and whatever gives another answer next time."""
    if not functions:
        return
    rows = connection.execute(
        "SELECT function_name, bool_or(function_type IN ('scalar', 'macro') AND "
        "coalesce(stability, 'CONSISTENT') = 'CONSISTENT'), min(function_type) "
        "FROM duckdb_functions() WHERE list_contains(?, function_name) GROUP BY function_name",
        [sorted(functions)],
    ).fetchall()
    unknown = sorted(functions - {row[0] for row in rows})
    if unknown:
        raise ExpressionError(f"{unknown[0]}() is no function that DuckDB knows")
    for name, usable, function_type in rows:
        if not usable:
            raise ExpressionError(
                f"{name}() is not allowed ({function_type}): the same row must always give the same value"
            )

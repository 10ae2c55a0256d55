"""What is to be published: one ``TableSpec`` a mart, and the column types a published file may hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from publishing.errors import UnpublishableColumn

_NAME = re.compile(r"[a-z][a-z0-9_]*")

#: Types that Parquet and back keep exactly.
_KEPT = re.compile(
    r"BOOLEAN|U?(TINYINT|SMALLINT|INTEGER|BIGINT)|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|VARCHAR|BLOB|UUID"
    r"|DATE|TIME|TIMESTAMP|TIMESTAMP_NS|TIMESTAMP WITH TIME ZONE"
)
#: Types that are cast on the way out. Uncast, a HUGEINT (any sum of integers) would become a DOUBLE.
_CAST = {
    "HUGEINT": "BIGINT",
    "UHUGEINT": "BIGINT",
    "JSON": "VARCHAR",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
}


@dataclass(frozen=True)
class TableSpec:
    """One mart and how it is published.

    ``name`` is the name readers use; ``schema`` and ``relation`` say where the warehouse holds it.
    ``key`` names the columns that are unique together; rows are stored in that order.
    ``partition_by`` names a DATE column for large facts (one file a date), None keeps the table in
    one file. ``description`` is carried into the manifest for readers.

    Raises ``ValueError`` for a name that cannot be a folder and a view, or a missing key.
    """

    name: str
    schema: str
    relation: str
    key: tuple[str, ...]
    partition_by: str | None
    description: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"TableSpec name {self.name!r}: expected lower-case letters, digits and underscores")
        if not self.key:
            raise ValueError(f"TableSpec {self.name}: key is empty, expected the columns that make a row unique")


def check_specs(tables: Sequence[TableSpec]) -> None:
    """Raise ``ValueError`` when there is nothing to publish or two tables share a name."""
    names = [table.name for table in tables]
    if not names:
        raise ValueError("publish: tables is empty, expected at least one TableSpec")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"publish: more than one TableSpec is called {', '.join(repeated)}")


def published_type(table: str, column: str, warehouse_type: str) -> str:
    """The DuckDB type under which a warehouse column is published.

    Raises ``UnpublishableColumn`` for a type that a Parquet file would not give back exactly.
    """
    if warehouse_type.startswith("ENUM("):
        return "VARCHAR"
    element = warehouse_type.removesuffix("[]")
    if _KEPT.fullmatch(element):
        return warehouse_type
    if warehouse_type in _CAST:
        return _CAST[warehouse_type]
    raise UnpublishableColumn(
        f"{table}.{column} has type {warehouse_type}: expected a plain type or a list of one; cast it in the mart"
    )

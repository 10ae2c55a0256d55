"""What a contract is made of: columns with their rules, requirements across columns, and lineage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "integer", "money", "timestamp", "date", "boolean", "json"]

#: DuckDB type of each kind in lake files. Money is integer minor units of the row's currency.
LAKE_TYPES: dict[Kind, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "money": "BIGINT",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "json": "VARCHAR",
}


@dataclass(frozen=True)
class Column:
    """One contract column and the rules its values must keep.

    ``minimum``/``maximum`` bound numbers (money: in major units) and timestamps (ISO text);
    ``allowed`` lists the only values; ``pii`` marks personal data (an ``id`` is replaced by the
    pseudonym where one is switched on, ``text`` is searched for ids); ``stamped`` columns are
    filled by ingestion itself and cannot be mapped.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    minimum: float | str | None = None
    maximum: float | str | None = None
    allowed: tuple[str, ...] = ()
    pii: Literal["id", "text"] | None = None
    stamped: bool = False


@dataclass(frozen=True)
class Requirement:
    """A rule across columns: when ``when`` (SQL over contract columns) holds, ``column`` must not be null."""

    column: str
    when: str
    reason: str


#: Where a lake row came from; last columns of every lake file.
LINEAGE = (
    Column("source_file", "text", "File name the row was read from.", stamped=True),
    Column("source_row", "integer", "1-based record number in that file.", stamped=True),
    Column("load_id", "text", "Load that wrote the row; it counts only if the ledger lists the load.", stamped=True),
    Column(
        "content_hash",
        "text",
        "Hash of what the whole event (or table row) says beyond its key: equal for equal deliveries, "
        "breaks ties between unequal ones.",
        stamped=True,
    ),
)


@dataclass(frozen=True)
class Contract:
    """A named set of columns with its key (always within one shop)."""

    name: str
    description: str
    key: tuple[str, ...]
    time_column: str
    columns: tuple[Column, ...]
    requirements: tuple[Requirement, ...] = ()
    lake_columns: tuple[Column, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        assert len(names) == len(set(names)), f"{self.name}: a column is defined twice"
        object.__setattr__(self, "lake_columns", (*self.columns, *LINEAGE))

    def column(self, name: str) -> Column:
        """The column called ``name``; ``KeyError`` if the contract has none."""
        for column in self.lake_columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def mappable(self) -> tuple[Column, ...]:
        """The columns a source mapping may fill."""
        return tuple(column for column in self.columns if not column.stamped)

"""The lake: Parquet files by contract, shop and arrival day, and the few rules of who may touch it.

::

    lake/<contract>/shop_id=<shop>/arrival_date=<day>/<load_id>.parquet
    lake/quarantine/shop_id=<shop>/arrival_date=<day>/<load_id>.parquet
    lake/ledger/<load_id>.json      a load's rows exist only if this file does
    lake/shops.parquet
    lake/identity_overrides.csv     decisions of people, see ``identity_overrides``

Opening a lake lays down a file without rows per table, with the full schema, so that a reader's glob
always matches. A load's files have only the columns that its mapping fills; read by name (``union_by_name``)
the others are null, as is a column that a later version of the contract adds.
"""

from __future__ import annotations

import fcntl
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from ingestion.contract import CONTRACT_VERSION, CONTRACTS
from ingestion.contract_model import LAKE_TYPES
from ingestion.durable import make_folder, publish_file, write_bytes_durably
from ingestion.expressions import quote_identifier, quote_literal
from ingestion.shops import Shop

QUARANTINE = "quarantine"
#: Columns of quarantine files and their DuckDB types, in order.
QUARANTINE_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "arrival_date": "DATE",
    "source": "VARCHAR",
    "contract": "VARCHAR",
    "load_id": "VARCHAR",
    "source_file": "VARCHAR",
    "source_row": "BIGINT",
    "raw_format": "VARCHAR",
    "raw_text": "VARCHAR",
    "reason_code": "VARCHAR",
    "reasons": "VARCHAR",
    "contract_version": "BIGINT",
}
_IDENTITY_OVERRIDES = b"shop_id,anonymous_id,customer_id,action,decided_at,decided_by,reason\n"
#: Counts up when opening a lake lays down more than before.
_LAYOUT = 3
_SHOP_COLUMNS = ("shop_id", "timezone", "currency", "orders_from")


def table_columns(table: str) -> dict[str, str]:
    """Column names and DuckDB types of a lake table (a contract's name, or ``quarantine``)."""
    if table == QUARANTINE:
        return QUARANTINE_COLUMNS
    return {column.name: LAKE_TYPES[column.kind] for column in CONTRACTS[table].lake_columns}


class Lake:
    """The folder ``root`` as a lake; opening creates what is missing and is safe to repeat."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._lay_down()

    @property
    def ledger_folder(self) -> Path:
        """Where ledger entries live."""
        return self.root / "ledger"

    @property
    def staging_folder(self) -> Path:
        """Where loads write before their files move into place."""
        return self.root / ".staging"

    @property
    def shops_file(self) -> Path:
        """The table of shops."""
        return self.root / "shops.parquet"

    @property
    def identity_overrides_file(self) -> Path:
        """Decisions about who uses which device."""
        return self.root / "identity_overrides.csv"

    def file_path(self, table: str, shop_id: str, day: object, load_id: str) -> Path:
        """Path of one load's rows of one arrival day."""
        return self.root / table / f"shop_id={shop_id}" / f"arrival_date={day}" / f"{load_id}.parquet"

    def schema_file(self, table: str) -> Path:
        """The file without rows that has every column of ``table``."""
        return self.root / table / "shop_id=_" / "arrival_date=1970-01-01" / "schema.parquet"

    def glob(self, table: str, shop_id: str = "*") -> str:
        """Glob of a table's files, for ``read_parquet(…, union_by_name = true, hive_partitioning = true)``."""
        return str(self.root / table / f"shop_id={shop_id}" / "*" / "*.parquet")

    def files_of(self, load_id: str, shop_id: str, table: str = "*") -> list[Path]:
        """The files that a load has put in place in ``table`` (default: all tables), committed or not."""
        return sorted(self.root.glob(f"{table}/shop_id={shop_id}/arrival_date=*/{load_id}.parquet"))

    def clear_staging(self) -> None:
        """Remove what dead loads left behind; call only under the lock."""
        shutil.rmtree(self.staging_folder, ignore_errors=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lake for writing; a second writer waits. The system frees the lock of a killed process."""
        with (self.root / ".lock").open("wb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(handle, fcntl.LOCK_UN)

    def _lay_down(self) -> None:
        make_folder(self.root)
        stamp = self.root / f".opened-version-{CONTRACT_VERSION}-{_LAYOUT}"
        if stamp.exists():
            return
        with self.lock(), duckdb.connect() as connection:
            for table in (*CONTRACTS, QUARANTINE):
                fields = ", ".join(
                    f"NULL::{type_name} AS {quote_identifier(name)}" for name, type_name in table_columns(table).items()
                )
                write_parquet(connection, f"SELECT {fields} WHERE false", self.schema_file(table))
            write_bytes_durably(self.ledger_folder / "schema.json", b"")
            if not self.shops_file.exists():
                self._write_shops(connection, [])
            if not self.identity_overrides_file.exists():
                write_bytes_durably(self.identity_overrides_file, _IDENTITY_OVERRIDES)
            write_bytes_durably(stamp, b"")

    def shops(self, connection: duckdb.DuckDBPyConnection | None = None) -> list[Shop]:
        """The shops that have loaded something, by id."""
        query = f"SELECT {', '.join(_SHOP_COLUMNS)} FROM read_parquet({quote_literal(str(self.shops_file))}) ORDER BY 1"
        if connection is not None:
            return [Shop(*row) for row in connection.execute(query).fetchall()]
        with duckdb.connect() as own:
            return [Shop(*row) for row in own.execute(query).fetchall()]

    def register_shop(self, connection: duckdb.DuckDBPyConnection, shop: Shop) -> None:
        """Write ``shop`` into the shops table; call under the lock.

        ``ValueError`` when the shop is there with another time zone or currency: the days and amounts
        already in the lake were made with those.
        """
        shops = {known.shop_id: known for known in self.shops(connection)}
        known = shops.get(shop.shop_id)
        if known is not None and _row(known) == _row(shop):
            return
        if known is not None:
            for name in ("timezone", "currency"):
                before, now = getattr(known, name), getattr(shop, name)
                if before != now:
                    raise ValueError(
                        f"shop {shop.shop_id}: {name} is {now!r}, but its rows in the lake were made with {before!r}"
                    )
        shops[shop.shop_id] = shop
        self._write_shops(connection, [shops[shop_id] for shop_id in sorted(shops)])

    def _write_shops(self, connection: duckdb.DuckDBPyConnection, shops: list[Shop]) -> None:
        rows = ", ".join(f"({', '.join(quote_literal(value) for value in _row(shop))})" for shop in shops)
        values = f"SELECT * FROM (VALUES {rows}) AS shops({', '.join(_SHOP_COLUMNS)})"
        empty = f"SELECT {', '.join(f'NULL::VARCHAR AS {name}' for name in _SHOP_COLUMNS)} WHERE false"
        write_parquet(connection, values if shops else empty, self.shops_file)


def _row(shop: Shop) -> tuple[str, ...]:
    """What the lake keeps of a shop."""
    return tuple(getattr(shop, name) for name in _SHOP_COLUMNS)


def copy_to_parquet(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write a query's rows to ``path`` (folders must exist), in the query's order.

    zstd at level 1: on rows full of hashes the default level costs half as much CPU again for 5 % of size.
    """
    options = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
    connection.execute(f"COPY ({query}) TO {quote_literal(str(path))} ({options})")


def write_parquet(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write a query's rows to ``path`` durably and at once."""
    make_folder(path.parent)
    aside = path.parent / f".{path.name}.{uuid.uuid4().hex}.tmp"
    try:
        copy_to_parquet(connection, query, aside)
        publish_file(aside, path)
    finally:
        aside.unlink(missing_ok=True)

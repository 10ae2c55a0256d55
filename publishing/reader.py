"""Reading the published marts: the one way in for web pages, notebooks and BI.

Nothing here opens the warehouse, so readers and the writer never wait for each other.
"""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb

from publishing.errors import BrokenPublication, MissingTable
from publishing.manifest import Manifest, TableEntry, current_version, read_manifest
from publishing.specification import published_type
from publishing.sql_text import identifier, literal

# A publish may delete the version just resolved only after several newer ones were made.
_RESOLVE_ATTEMPTS = 3


class PublishedReader:
    """SQL access to the current published version.

    ``connect()`` gives a connection with one view a table, pinned to ``version``. ``refresh()``
    follows the pointer: connections given out before keep the version they were made for, later
    ones see the new one, so no query and no connection ever mixes two versions. Safe to share
    between threads (each thread takes its own connection).

    Raises ``NothingPublished`` or ``BrokenPublication`` when first used.
    """

    def __init__(self, published: Path) -> None:
        self.published = Path(published)
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest:
        """The manifest of the version in use."""
        self._open_if_needed()
        assert self._manifest is not None
        return self._manifest

    @property
    def version(self) -> str:
        """Name of the version in use."""
        return self.manifest.version

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A new connection to an in-memory DuckDB with a view for each table of ``version``."""
        self._open_if_needed()
        with self._lock:
            assert self._database is not None
            return self._database.cursor()

    def refresh(self) -> bool:
        """Use the version that the pointer names now; True when that is another one than before.

        When the new version cannot be opened the old one stays in use and the error is raised.
        """
        with self._lock:
            if self._manifest is not None and current_version(self.published) == self._manifest.version:
                return False
            self._manifest, self._database = self._resolve()
            return True

    def table(self, name: str) -> TableEntry:
        """What the manifest says of table ``name``; ``MissingTable`` when the version lacks it."""
        self.require(name)
        return self.manifest.tables[name]

    def require(self, *names: str) -> None:
        """Raise ``MissingTable`` (a ``MissingMart``) naming those of ``names`` that are not published."""
        manifest = self.manifest
        missing = [name for name in names if name not in manifest.tables]
        if missing:
            raise MissingTable(
                f"published version {manifest.version} has no table {', '.join(missing)}; "
                f"it has {', '.join(sorted(manifest.tables))}",
                missing,
            )

    def _open_if_needed(self) -> None:
        with self._lock:
            if self._manifest is None:
                self._manifest, self._database = self._resolve()

    def _resolve(self) -> tuple[Manifest, duckdb.DuckDBPyConnection]:
        for attempt in range(_RESOLVE_ATTEMPTS):
            version = current_version(self.published)
            try:
                manifest = read_manifest(self.published, version)
                return manifest, _open(self.published, manifest)
            except BrokenPublication:
                # Overtaken by publishes while resolving, unless the pointer still says the same.
                if attempt == _RESOLVE_ATTEMPTS - 1 or current_version(self.published) == version:
                    raise
        raise AssertionError("unreachable")


def _open(published: Path, manifest: Manifest) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(":memory:")
    # Times are UTC everywhere; files never change, so their footers need reading only once.
    database.execute("SET TimeZone = 'UTC'")
    database.execute("SET parquet_metadata_cache = true")
    for name, table in manifest.tables.items():
        database.execute(f"CREATE VIEW {identifier(name)} AS {_view_query(published, name, table)}")
    return database


def _view_query(published: Path, name: str, table: TableEntry) -> str:
    types = {column.name: published_type(name, column.name, column.type) for column in table.columns}
    if not table.files:
        nulls = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(column)}" for column, kind in types.items())
        return f"SELECT {nulls} WHERE false"
    for file in table.files:
        path = published / file.path
        if not path.is_file() or path.stat().st_size != file.bytes:
            raise BrokenPublication(f"{path} is missing or changed: {name} expects it with {file.bytes} bytes")
    selected = ", ".join(
        f"CAST({identifier(column)} AS {kind}) AS {identifier(column)}" for column, kind in types.items()
    )
    files = ", ".join(literal(str((published / file.path).absolute())) for file in table.files)
    return f"SELECT {selected} FROM read_parquet([{files}], hive_partitioning = false, union_by_name = false)"

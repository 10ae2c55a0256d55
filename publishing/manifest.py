"""The manifest of a published version and the pointer to the current one.

``published/<version>/manifest.json`` lists every table with its files, which are immutable and
shared between versions; ``published/current.json`` names the version that readers should use. The
pointer is replaced in one step, so a reader sees all of one version or all of another.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingestion.durable import write_bytes_durably
from publishing.errors import BrokenPublication, NothingPublished

POINTER = "current.json"
#: Partition value of the rows whose date is NULL.
NULL_PARTITION = "null"


class _Record(BaseModel):
    # Readers of one release may meet a manifest of a later one: fields they do not know are left alone.
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class FileEntry(_Record):
    """One immutable Parquet file. ``path`` is relative to ``published/``; ``partition`` is an ISO
    date, ``"null"`` for rows without one, or None where the table is not partitioned."""

    path: str
    partition: str | None
    rows: int
    sha256: str
    bytes: int


class ColumnEntry(_Record):
    """One column with its DuckDB type."""

    name: str
    type: str


class TableEntry(_Record):
    """One published table. ``covered_write_id`` and ``covered_written_at`` mark the last entry of
    ``ops.partition_writes`` that the files reflect (partitioned tables only)."""

    files: tuple[FileEntry, ...]
    rows: int
    columns: tuple[ColumnEntry, ...] = Field(alias="schema")
    schema_hash: str
    key: tuple[str, ...]
    partition_by: str | None
    description: str
    covered_write_id: int | None = None
    covered_written_at: str | None = None


class Manifest(_Record):
    """One published version. ``previous`` is the version that was current before it."""

    version: str
    run_id: str
    created_at: datetime
    data_as_of: date | None
    previous: str | None
    tables: dict[str, TableEntry]

    def same_content(self, other: Manifest) -> bool:
        """Whether both say the same about the data: everything but version, run and time of writing."""
        return self.tables == other.tables and self.data_as_of == other.data_as_of


def schema_hash(columns: tuple[ColumnEntry, ...]) -> str:
    """A fingerprint of column names, types and their order."""
    text = json.dumps([[column.name, column.type] for column in columns])
    return hashlib.sha256(text.encode()).hexdigest()


def manifest_path(published: Path, version: str) -> Path:
    """Where the manifest of ``version`` is kept."""
    return published / version / "manifest.json"


def current_version(published: Path) -> str:
    """The version that the pointer names.

    Raises ``NothingPublished`` when there is no pointer, ``BrokenPublication`` when it cannot be read.
    """
    path = published / POINTER
    try:
        version = json.loads(path.read_bytes())["version"]
    except FileNotFoundError:
        raise NothingPublished(f"{path} does not exist: nothing has been published yet") from None
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenPublication(
            f'{path}: expected {{"version": "<name>"}} ({error!r}); delete the file to publish afresh'
        ) from error
    if not isinstance(version, str) or not version or Path(version).name != version:
        raise BrokenPublication(f"{path}: version is {version!r}, expected the name of a folder beside it")
    return version


def read_manifest(published: Path, version: str) -> Manifest:
    """The manifest of ``version``; ``BrokenPublication`` when it is missing or not well-formed."""
    path = manifest_path(published, version)
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise BrokenPublication(f"{path} does not exist: expected the manifest of version {version}") from None
    except ValidationError as error:
        raise BrokenPublication(f"{path} is not a manifest: {error}") from error


def write_manifest(published: Path, manifest: Manifest) -> None:
    """Write the manifest durably; it counts only once the pointer names it."""
    text = manifest.model_dump_json(by_alias=True, indent=1)
    write_bytes_durably(manifest_path(published, manifest.version), text.encode() + b"\n")


def move_pointer(published: Path, version: str) -> None:
    """Make ``version`` the current one, in one step."""
    write_bytes_durably(published / POINTER, json.dumps({"version": version}).encode() + b"\n")

"""Publishing: marts leave the warehouse as immutable Parquet files, readers meet only those.

``publish`` writes a version, ``PublishedReader`` reads the current one, ``export_table`` writes a
table as comparable text. No orchestrator is needed for any of it.
"""

from publishing.errors import (
    BrokenPublication,
    KeyNotUnique,
    MissingMart,
    MissingTable,
    NothingPublished,
    PublishingError,
    PublishInProgress,
    UnpublishableColumn,
)
from publishing.export import export_table
from publishing.manifest import Manifest
from publishing.publish import PublishedVersion, TableOutcome, publish
from publishing.reader import PublishedReader
from publishing.specification import TableSpec

__all__ = [
    "BrokenPublication",
    "KeyNotUnique",
    "Manifest",
    "MissingMart",
    "MissingTable",
    "NothingPublished",
    "PublishInProgress",
    "PublishedReader",
    "PublishedVersion",
    "PublishingError",
    "TableOutcome",
    "TableSpec",
    "UnpublishableColumn",
    "export_table",
    "publish",
]

"""Deleting what no reader can still need: versions past the newest few, and files nobody names.

A reader that resolved an older version may still be reading it, so a version stays until
``keep_versions`` newer ones (itself included) were current. Versions that never became current
(a publish died before the pointer) are on no chain of predecessors and go at once.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from publishing.errors import BrokenPublication
from publishing.manifest import Manifest, read_manifest

#: Version names: sortable counter, then a fragment of the run id.
VERSION_NAME = re.compile(r"v(\d{8,})-[A-Za-z0-9]+")


@dataclass(frozen=True)
class Removed:
    """Names of the versions and number of the data files that were deleted."""

    versions: tuple[str, ...]
    files: int


def version_folders(published: Path) -> list[str]:
    """Names of all version folders, current or not, oldest first."""
    return sorted(path.name for path in published.iterdir() if path.is_dir() and VERSION_NAME.fullmatch(path.name))


def kept_manifests(published: Path, current: Manifest, keep_versions: int) -> list[Manifest]:
    """``current`` and the versions that were current before it, newest first, at most ``keep_versions``."""
    kept = [current]
    while len(kept) < keep_versions and kept[-1].previous is not None:
        try:
            kept.append(read_manifest(published, kept[-1].previous))
        except BrokenPublication:
            # Deleted by an earlier clean-up, or by hand: nothing behind it can be resolved any more.
            break
    return kept


def remove_unneeded(published: Path, current: Manifest, keep_versions: int) -> Removed:
    """Delete version folders that are not kept, then data files that no kept manifest names.

    Versions go before their files, so that what is on disk never names a file that is gone. Only
    folders named like versions and Parquet files under ``data/`` are ever touched.
    """
    kept = kept_manifests(published, current, keep_versions)
    kept_versions = {manifest.version for manifest in kept}
    dropped = [name for name in version_folders(published) if name not in kept_versions]
    for name in dropped:
        shutil.rmtree(published / name)

    named = {published / file.path for manifest in kept for table in manifest.tables.values() for file in table.files}
    orphans = [path for path in (published / "data").rglob("*.parquet") if path not in named]
    for path in orphans:
        path.unlink()
        _remove_if_empty(path.parent, published / "data")
    return Removed(tuple(dropped), len(orphans))


def _remove_if_empty(folder: Path, root: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent

"""Writing files so that a crash leaves the old state or the new one, never half of either.

The order is always the same: write aside, flush the file to disk, rename over the final name, flush
the folder that holds the name. ``crash_point`` lets tests kill the process at named steps between.
"""

from __future__ import annotations

import os
import signal
import uuid
from pathlib import Path

_reached: dict[str, int] = {}


def crash_point(name: str) -> None:
    """Kill this process with SIGKILL when ``FOOTFALL_CRASH_AT`` names this point.

    ``FOOTFALL_CRASH_AT="ingest:renamed"`` dies the first time the point is reached,
    ``"ingest:renamed#3"`` the third time. Without the variable this does nothing. SIGKILL, not an
    exception: no ``finally`` runs, just as in a power cut.
    """
    wanted = os.environ.get("FOOTFALL_CRASH_AT")
    if not wanted:
        return
    point, _, count = wanted.partition("#")
    if point != name:
        return
    _reached[name] = _reached.get(name, 0) + 1
    if _reached[name] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)


def sync_folder(folder: Path) -> None:
    """Flush the entries (names) of ``folder`` to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its missing parents, flushing each new name to disk."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def publish_file(tmp_path: Path, final_path: Path) -> None:
    """Move the finished file ``tmp_path`` to ``final_path`` (same file system), replacing what is there.

    When this returns, both the content and the name survive a power cut. Raises ``OSError`` when
    the rename is not possible.
    """
    with tmp_path.open("rb") as handle:
        os.fsync(handle.fileno())
    make_folder(final_path.parent)
    tmp_path.replace(final_path)
    sync_folder(final_path.parent)


def write_bytes_durably(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``: readers see the old content or the new, never a part."""
    make_folder(path.parent)
    tmp_path = path.parent / f".{path.name}.{uuid.uuid4().hex}.tmp"
    try:
        with tmp_path.open("wb") as handle:
            handle.write(data)
        publish_file(tmp_path, path)
    finally:
        tmp_path.unlink(missing_ok=True)

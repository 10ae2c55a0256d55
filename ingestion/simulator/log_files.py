"""Log files by arrival day, gzip-compressed; and the spoilt lines among them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.clock import ShopClock
from ingestion.simulator.deliveries import DIRT, FUTURE_CLOCK, NO_DIRT
from ingestion.simulator.log_text import json_text

#: gzip level: 1 is four times as quick as 6 on these lines for a third more bytes.
_LEVEL = 1
_HUGE = 10_000_000_000_000_000  # the quantity of 1e16 that a real shop's log has


def _without_type(event: dict[str, Any]) -> None:
    del event["type"]


def _unknown_type(event: dict[str, Any]) -> None:
    event["type"] = "hover_v2"


def _bad_time(event: dict[str, Any]) -> None:
    event["time"] = event["time"][:5] + "13-45T25:61:00"


def _huge_quantity(event: dict[str, Any]) -> None:
    event["items"][0]["qty"] = _HUGE


def _leave(event: dict[str, Any]) -> None:
    """For dirt that was planted in the tables already."""


_SPOIL: dict[str, Callable[[dict[str, Any]], None]] = {
    "missing_type": _without_type,
    "unknown_type": _unknown_type,
    "bad_time": _bad_time,
    "huge_quantity": _huge_quantity,
    "order_without_id": _leave,
    "future_clock": _leave,
}


def spoil_lines(lines: NDArray[np.object_], dirt: NDArray[np.int64]) -> None:
    """Apply each line's dirt in place; only the few dirty lines are touched."""
    for row in np.flatnonzero((dirt != NO_DIRT) & (dirt != FUTURE_CLOCK)).tolist():
        name = DIRT[dirt[row]]
        if name == "broken_json":
            lines[row] = lines[row][: len(lines[row]) * 2 // 3]
        else:
            event = json.loads(lines[row])
            _SPOIL[name](event)
            lines[row] = json_text(event)


def write_log_files(clock: ShopClock, folder: Path, lines: NDArray[np.object_], deliveries: pd.DataFrame) -> list[Path]:
    """Write ``events-YYYY-MM-DD.jsonl.gz`` for every arrival day with lines.

    Compression runs outside Python's lock, so a second thread is worth while; the bytes do not
    depend on it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("events-*.jsonl.gz"):
        stale.unlink()
    day = deliveries["file_day"].to_numpy()
    days = np.unique(day)

    def write(number: int) -> Path:
        path = folder / f"events-{clock.date_of(number).isoformat()}.jsonl.gz"
        text = "\n".join(lines[day == number]) + "\n"
        path.write_bytes(_gzip(text.encode()))
        return path

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(write, days.tolist()))


def _gzip(content: bytes) -> bytes:
    """A gzip file without name and time, so that equal content gives equal bytes."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
    return packer.compress(content) + packer.flush()

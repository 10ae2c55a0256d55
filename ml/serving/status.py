"""``ml.score_status``: per capability and shop, whether today's scores are today's, and if not, why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import duckdb
import pandas as pd

from ml.write_table import table_exists

FRESH, STALE, NOT_ENOUGH_DATA = "fresh", "stale", "not_enough_data"

#: Column -> DuckDB type of ``ml.score_status``; its key is shop_id, capability.
STATUS_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "capability": "VARCHAR",
    "checked_for": "DATE",
    "served_as_of": "DATE",
    "status": "VARCHAR",
    "reason": "VARCHAR",
    "model_version": "VARCHAR",
}


@dataclass(frozen=True)
class ScoreStatus:
    """One row. ``checked_for`` is the day for which scores were asked, ``served_as_of`` the day of those that
    are served (``None`` where there are none), ``status`` one of fresh, stale, not_enough_data."""

    shop_id: str
    capability: str
    checked_for: dt.date | None
    served_as_of: dt.date | None
    status: str
    reason: str
    model_version: str | None


def status_frame(rows: Iterable[ScoreStatus]) -> pd.DataFrame:
    """Rows as a frame with ``STATUS_COLUMNS``, sorted by key."""
    frame = pd.DataFrame([asdict(row) for row in rows], columns=list(STATUS_COLUMNS), dtype=object)
    return frame.sort_values(["shop_id", "capability"], ignore_index=True)


def last_status(connection: duckdb.DuckDBPyConnection, capability: str, shop_id: str) -> ScoreStatus | None:
    """What was served for this shop until now; ``None`` where nothing ever was."""
    if not table_exists(connection, ("ml", "score_status")):
        return None
    listed = ", ".join(STATUS_COLUMNS)
    row = connection.execute(
        f"SELECT {listed} FROM ml.score_status WHERE capability = ? AND shop_id = ?", [capability, shop_id]
    ).fetchone()
    return ScoreStatus(*row) if row else None

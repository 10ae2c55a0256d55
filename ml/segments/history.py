"""What earlier runs called their segments: kept in the warehouse, so that numbers last and moves are seen.

``ml.segment_history`` holds who was in which segment, for the last two dates and the last date of each
month of a year; ``ml.segment_sizes`` a few rows for every date there ever was. A run for a date forgets what
was kept for it and for later ones, moves between segments too: to run a day again gives the same numbers. Customers
who were erased are forgotten on every date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pandas as pd

from ml.segments.stable_ids import MIGRATION_COLUMNS
from ml.serving.erased import forget_erased
from ml.write_table import ensure_table, replace_rows, table_exists

#: Column -> DuckDB type of ``ml.segment_history``, key shop_id, as_of, customer_id.
HISTORY_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "as_of": "DATE",
    "customer_id": "VARCHAR",
    "segment_id": "INTEGER",
}
#: Assignments of month ends are kept for so many days.
KEPT_DAYS = 400

_ASSIGNMENT_COLUMNS = (*HISTORY_COLUMNS, "segment_name", "segment_name_zh")


@dataclass(frozen=True)
class SegmentHistory:
    """Earlier runs: ``assignments`` with the columns of ``HISTORY_COLUMNS`` and the segments' names
    (segment_name, segment_name_zh), ``greatest`` with shop_id, as_of and the greatest segment_id used then.
    Dates on or after the day asked about do not count."""

    assignments: pd.DataFrame
    greatest: pd.DataFrame

    @classmethod
    def empty(cls) -> SegmentHistory:
        """No earlier run."""
        return cls(
            pd.DataFrame({column: pd.Series(dtype=object) for column in _ASSIGNMENT_COLUMNS}),
            pd.DataFrame({column: pd.Series(dtype=object) for column in ("shop_id", "as_of", "segment_id")}),
        )

    def previous(self, shop_id: str, as_of: dt.date) -> pd.Series:
        """Segment id by customer id in the shop's last run before ``as_of``; empty where there is none."""
        runs = self._before(shop_id, as_of)
        if runs.empty:
            return pd.Series(dtype="int64")
        last = runs[runs["as_of"] == runs["as_of"].max()]
        return pd.Series(last["segment_id"].to_numpy(dtype="int64"), index=last["customer_id"].astype(object))

    def greatest_id(self, shop_id: str, as_of: dt.date) -> int:
        """The greatest segment id that the shop used before ``as_of``; 0 where it used none."""
        days = self.greatest[(self.greatest["shop_id"] == shop_id) & _earlier(self.greatest["as_of"], as_of)]
        return int(days["segment_id"].max()) if len(days) else 0

    def runs(self, shop_id: str, as_of: dt.date) -> Iterator[pd.DataFrame]:
        """The assignments to compare ``as_of`` with, earliest first: those of the last run of an earlier
        month and those of the last run (once, where that is the same)."""
        runs = self._before(shop_id, as_of)
        days = sorted(pd.Timestamp(day).date() for day in runs["as_of"].unique())
        months = [day for day in days if (day.year, day.month) < (as_of.year, as_of.month)]
        for day in sorted({*months[-1:], *days[-1:]}):
            yield runs[pd.to_datetime(runs["as_of"]) == pd.Timestamp(day)]

    def _before(self, shop_id: str, as_of: dt.date) -> pd.DataFrame:
        rows = self.assignments
        return rows[(rows["shop_id"] == shop_id) & _earlier(rows["as_of"], as_of)]


def read_history(connection: duckdb.DuckDBPyConnection, rfm: pd.DataFrame) -> SegmentHistory:
    """The runs that segments of ``rfm`` (shop_id, as_of, one date a shop) are matched and compared with.

    Of each shop the last run before its date and the last run of an earlier month; nothing where the
    warehouse has no history yet. Nothing is written: a read-only connection will do.
    """
    if not all(table_exists(connection, ("ml", table)) for table in ("segment_history", "segment_sizes")):
        return SegmentHistory.empty()
    connection.register("_dates", rfm[["shop_id", "as_of"]].drop_duplicates())
    try:
        assignments = connection.execute(
            """
            WITH dates AS (SELECT CAST(shop_id AS VARCHAR) AS shop_id, CAST(as_of AS DATE) AS as_of FROM _dates),
            compared AS (
                SELECT
                    shop_id,
                    max(kept.as_of) AS last_day,
                    max(kept.as_of) FILTER (kept.as_of < date_trunc('month', dates.as_of)) AS last_month
                FROM (SELECT DISTINCT shop_id, as_of FROM ml.segment_history) AS kept
                JOIN dates USING (shop_id)
                WHERE kept.as_of < dates.as_of
                GROUP BY shop_id
            )
            SELECT history.*, sizes.segment_name, sizes.segment_name_zh
            FROM ml.segment_history AS history
            JOIN compared ON compared.shop_id = history.shop_id
                AND history.as_of IN (compared.last_day, compared.last_month)
            LEFT JOIN ml.segment_sizes AS sizes ON sizes.shop_id = history.shop_id
                AND sizes.as_of = history.as_of AND sizes.segment_id = history.segment_id
            ORDER BY history.shop_id, history.as_of, history.customer_id
            """
        ).df()
    finally:
        connection.unregister("_dates")
    greatest = connection.execute(
        "SELECT shop_id, as_of, max(segment_id) AS segment_id FROM ml.segment_sizes GROUP BY ALL ORDER BY ALL"
    ).df()
    return SegmentHistory(assignments, greatest)


def write_history(
    connection: duckdb.DuckDBPyConnection,
    history: pd.DataFrame,
    sizes: pd.DataFrame,
    size_columns: dict[str, str],
    migrations: pd.DataFrame,
) -> None:
    """Keep a run's assignments (``HISTORY_COLUMNS``) and segments (``size_columns``) for the next, and its
    ``migrations`` (``MIGRATION_COLUMNS``) to look at.

    Of the shops in ``history`` everything of the run's date and later is replaced (a later day's moves were from
    numbers that may now mean something else), and assignments are dropped but for the last two dates and the last of
    each month within ``KEPT_DAYS``. Other shops' rows stay. A run that dies between the tables is mended by running
    it again.
    """
    days = list(history[["shop_id", "as_of"]].drop_duplicates().itertuples(index=False, name=None))
    for name, columns, frame in (
        ("segment_migrations", MIGRATION_COLUMNS, migrations),
        ("segment_sizes", size_columns, sizes),
        ("segment_history", HISTORY_COLUMNS, history),
    ):
        ensure_table(connection, ("ml", name), columns)
        for day in days:
            connection.execute(f"DELETE FROM ml.{name} WHERE shop_id = ? AND as_of >= ?", day)
        replace_rows(connection, ("ml", name), columns, frame, by=("shop_id", "as_of"))
    forget_erased(connection, "segment_history")
    connection.execute(
        """
        WITH dates AS (SELECT DISTINCT shop_id, as_of FROM ml.segment_history),
        judged AS (
            SELECT
                *,
                row_number() OVER (PARTITION BY shop_id ORDER BY as_of DESC) <= 2 AS is_recent,
                as_of = max(as_of) OVER (PARTITION BY shop_id, date_trunc('month', as_of)) AS is_month_end,
                max(as_of) OVER (PARTITION BY shop_id) AS newest
            FROM dates
        )
        DELETE FROM ml.segment_history AS old
        USING judged
        WHERE judged.shop_id = old.shop_id AND judged.as_of = old.as_of
            AND NOT (is_recent OR (is_month_end AND old.as_of > newest - CAST(? AS INTEGER)))
        """,
        [KEPT_DAYS],
    )


def _earlier(days: pd.Series, as_of: dt.date) -> pd.Series:
    earlier: pd.Series = pd.to_datetime(days) < pd.Timestamp(as_of)
    return earlier

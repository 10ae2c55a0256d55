"""The shop's own clock for a whole load at once: by whole offsets between changes of the clock, not row by row.

Asking the time zone for each of ten million rows costs 1.5 CPU-seconds, adding an offset 0.1.
"""

from __future__ import annotations

from datetime import datetime

import duckdb

from ingestion.expressions import quote_literal

#: With more changes of the clock than this, every row asks the time zone.
_MOST_CHANGES = 40


def local_time_sql(
    connection: duckdb.DuckDBPyConnection, column: str, zone: str, first: datetime, last: datetime
) -> str:
    """SQL of the wall clock in ``zone`` for a UTC timestamp ``column`` whose values lie in ``first`` … ``last``.

    The offsets are DuckDB's own, so the result equals ``timezone(zone, timezone('UTC', column))``. Clocks change
    on the minute in every zone since 1990, the contract's first year.
    """

    def offset(moment: str) -> str:
        return f"epoch_us(timezone({quote_literal(zone)}, timezone('UTC', {moment}))) - epoch_us({moment})"

    # an hour whose end is not as far from UTC as its beginning holds a change: it is looked through by the minute
    changes = connection.execute(
        f"""
        WITH hours AS (
            SELECT unnest(generate_series(date_trunc('hour', $first::TIMESTAMP), $last::TIMESTAMP,
                                          INTERVAL 1 HOUR)) AS hour
        ), minutes AS (
            SELECT unnest(generate_series(hour, hour + INTERVAL 1 HOUR, INTERVAL 1 MINUTE)) AS moment FROM (
                SELECT hour, {offset("hour")} AS before,
                       {offset("hour + INTERVAL 1 HOUR")} AS after FROM hours)
            WHERE before <> after
        ), offsets AS (
            SELECT moment, {offset("moment")} AS micros FROM minutes UNION SELECT min(hour), NULL FROM hours
        ), filled AS (
            SELECT moment, coalesce(micros, {offset("moment")}) AS micros FROM offsets
        )
        SELECT moment, micros FROM (SELECT *, lag(micros) OVER (ORDER BY moment) AS former FROM filled)
        WHERE former IS DISTINCT FROM micros ORDER BY moment""",
        {"first": first, "last": last},
    ).fetchall()
    if len(changes) > _MOST_CHANGES:
        return f"timezone({quote_literal(zone)}, timezone('UTC', {column}))"
    pieces = [f"{column} + INTERVAL '{micros} microseconds'" for _, micros in changes]
    if len(pieces) == 1:
        return f"({pieces[0]})"
    ends = (quote_literal(str(moment)) for moment, _ in changes[1:])
    whens = " ".join(
        f"WHEN {column} < TIMESTAMP {end} THEN {piece}" for end, piece in zip(ends, pieces[:-1], strict=True)
    )
    return f"CASE {whens} ELSE {pieces[-1]} END"

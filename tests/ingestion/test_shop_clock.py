"""The shop's clock by offsets equals asking the time zone for every row."""

from __future__ import annotations

from datetime import datetime

import duckdb
import pytest

from ingestion.shop_clock import local_time_sql

SPANS = {
    "Asia/Shanghai": ("1990-01-01 00:00:00", "2030-01-01 00:00:00"),  # summer time until 1991
    "Europe/Berlin": ("2024-03-30 11:59:59.999999", "2024-10-27 01:00:00"),
    "America/St_Johns": ("2008-11-02 02:31:00", "2012-01-01 00:00:00"),  # changed at one minute past midnight
    "Australia/Lord_Howe": ("2024-04-06 14:59:59", "2024-10-05 15:30:00"),  # half an hour of summer time
    "Asia/Kathmandu": ("2024-01-01 00:00:00", "2024-01-01 00:00:00"),
    "America/New_York": ("1990-01-01 00:00:00", "2026-01-01 00:00:00"),  # too many changes to list
    "Pacific/Apia": ("2011-12-29 00:00:00", "2012-01-02 00:00:00"),  # left out a day
}


@pytest.mark.parametrize("zone", SPANS)
def test_every_minute_of_a_span_is_where_the_zone_puts_it(zone: str) -> None:
    first, last = (datetime.fromisoformat(text) for text in SPANS[zone])
    with duckdb.connect() as connection:
        sql = local_time_sql(connection, "moment", zone, first, last)
        step = "7 minute" if (last - first).days > 3000 else "1 minute"
        moments = f"""
            SELECT unnest(generate_series($first::TIMESTAMP, $last::TIMESTAMP, INTERVAL {step})) AS moment
            UNION ALL SELECT $last::TIMESTAMP
            UNION ALL SELECT unnest(generate_series(date_trunc('hour', $first::TIMESTAMP), $last::TIMESTAMP,
                                                    INTERVAL 1 HOUR)) - INTERVAL 1 MICROSECOND"""
        wrong = connection.execute(
            f"""SELECT moment, {sql}, timezone($zone, timezone('UTC', moment)) FROM ({moments})
                WHERE moment BETWEEN $first AND $last AND ({sql}) <> timezone($zone, timezone('UTC', moment))
                LIMIT 3""",
            {"zone": zone, "first": first, "last": last},
        ).fetchall()
    assert wrong == []

"""A log in the shape of Taobao's UserBehavior.csv, as large as wanted, one file per arrival day.

Rows are ``user_id,item_id,category_id,behavior_type,timestamp`` (epoch seconds, no header, in time
order). Written by DuckDB; every draw is a hash of seed, day and row number, so the same arguments
give the same bytes whatever the number of threads.

What is drawn: visits start by the hour of the shop's day (Asia/Shanghai), belong to users by a power
law and last 5.5 events on average, about 45 s apart; two neighbouring events look at one item, of
which a few are popular; a category is a function of the item. Behaviour is pv 89.6, cart 5.5, fav 2.9,
buy 2.0 % of rows; a quarter of the purchases hold a second item in the same second. As deliveries go
wrong in shops: 0.3 % of rows are in their file twice, 0.2 % of events come again one or two days later,
1 % arrive one to three days late and 0.05 % five to seven.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from ingestion.expressions import quote_literal

MAPPING = Path(__file__).parent / "taobao_landing.yml"
TIMEZONE = "Asia/Shanghai"
CURRENCY = "CNY"
_UTC_OFFSET_S = 8 * 3600  # of Asia/Shanghai, which has no summer time
_CATEGORIES = 9_000
#: Mean of 1 + floor(Exp(5)) events per visit times 1.004 rows per event (a quarter of 1.6 % has two).
_ROWS_PER_VISIT = 5.5167 * 1.004
#: Relative traffic of the hours 0 … 23 of the shop's day.
_HOURS = (22, 12, 7, 5, 4, 5, 12, 22, 33, 42, 48, 47, 48, 51, 51, 51, 50, 49, 52, 64, 76, 82, 76, 51)


@dataclass(frozen=True)
class TaobaoLog:
    """What to write: ``days`` files from ``start`` on, of about ``events_per_day`` rows each.

    As many users as events a day and four items to each, as in the public file.
    """

    days: int
    events_per_day: int
    start: date = date(2017, 8, 1)
    seed: int = 7

    def day(self, number: int) -> date:
        """The ``number``-th arrival day, from 0."""
        return self.start + timedelta(days=number)

    def file(self, folder: Path, number: int) -> Path:
        """The file of the ``number``-th arrival day, from 0."""
        return folder / f"UserBehavior-{self.day(number)}.csv"

    def write(self, folder: Path) -> list[Path]:
        """Write every file into ``folder`` (made where missing) and return their paths in order of days."""
        folder.mkdir(parents=True, exist_ok=True)
        files = [self.file(folder, number) for number in range(self.days)]
        with duckdb.connect() as connection:
            connection.execute("SET preserve_insertion_order = false")
            connection.execute(
                "CREATE TABLE held (arrival INTEGER, u INTEGER, i INTEGER, c INTEGER, b VARCHAR, ts BIGINT)"
            )
            for number, file in enumerate(files):
                connection.execute(f"INSERT INTO held {self._rows_sql(number)}")
                arrived = f"FROM held WHERE arrival = {self._epoch_day(number)} ORDER BY ts, u, i, b"
                connection.execute(
                    f"COPY (SELECT u, i, c, b, ts {arrived}) TO {quote_literal(str(file))} (FORMAT csv, HEADER false)"
                )
                connection.execute(f"""
                    CREATE OR REPLACE TABLE held AS FROM held WHERE arrival > {self._epoch_day(number)}""")
        return files

    def _epoch_day(self, number: int) -> int:
        return (self.day(number) - date(1970, 1, 1)).days

    def _draw(self, salt: int, *keys: str) -> str:
        """SQL of a number in [0, 1) that hangs on seed, salt and keys alone."""
        return f"(hash({self.seed * 1000 + salt}, {', '.join(keys)}) / 18446744073709551616.0)"

    def _rows_sql(self, number: int) -> str:
        """SELECT of the rows of visits that begin on a day, each with the (epoch) day that it arrives on."""
        day = self._epoch_day(number)
        hours = [hour for hour, weight in enumerate(_HOURS) for _ in range(weight)]
        visits = round(self.events_per_day / _ROWS_PER_VISIT)
        users, items = self.events_per_day, 4 * self.events_per_day
        visit, step = (str(day), "v"), (str(day), "v", "n")
        arrival = f"""(ts + {_UTC_OFFSET_S}) // 86400 + CASE
            WHEN {self._draw(8, *step)} < 0.0005 THEN 5 + floor({self._draw(9, *step)} * 3)
            WHEN {self._draw(8, *step)} < 0.0105 THEN 1 + floor({self._draw(9, *step)} * 3) ELSE 0 END"""
        return f"""
            WITH visits AS (
                SELECT v,
                       floor({users} * pow({self._draw(1, *visit)}, 1.6))::BIGINT * 7919 % {users} + 1 AS u,
                       {day} * 86400 - {_UTC_OFFSET_S}
                           + {hours}[1 + floor({self._draw(2, *visit)} * {len(hours)})::INTEGER] * 3600
                           + floor({self._draw(3, *visit)} * 3600)::BIGINT AS started,
                       1 + least(floor(-ln(1 - {self._draw(4, *visit)}) * 5), 80)::INTEGER AS length
                FROM range({visits}) AS visits(v)
            ), steps AS (
                SELECT *, unnest(range(length)) AS n FROM visits
            ), events AS (
                SELECT v, n, u, started + n * 30 + floor({self._draw(5, *step)} * 30)::BIGINT AS ts,
                       CASE WHEN {self._draw(6, *step)} < 0.8996 THEN 'pv'
                            WHEN {self._draw(6, *step)} < 0.9548 THEN 'cart'
                            WHEN {self._draw(6, *step)} < 0.9839 THEN 'fav' ELSE 'buy' END AS b
                FROM steps
            ), deliveries AS (
                SELECT *, {arrival} AS arrival FROM events
                UNION ALL
                SELECT *, ({arrival}) + 1 + floor({self._draw(11, *step)} * 2) AS arrival FROM events
                WHERE {self._draw(10, *step)} < 0.002
            ), lines AS (
                SELECT *, unnest(range(1 + (b = 'buy' AND {self._draw(12, *step)} < 0.25)::INTEGER)) AS line
                FROM deliveries
            ), items AS (
                SELECT *, floor({items} * pow({self._draw(13, str(day), "v", "n // 2 + 1000 * line")}, 3))::BIGINT
                          * 7919 % {items} + 1 AS i
                FROM lines
            )
            SELECT arrival, u, i, floor({_CATEGORIES} * pow({self._draw(14, "i")}, 2))::INTEGER * 503 + 1 AS c, b, ts
            FROM (
                SELECT *, unnest(range(CASE WHEN {self._draw(15, *step, "line")} < 0.003 THEN 2 ELSE 1 END)) AS copy
                FROM items
            )"""


def main() -> None:
    """``python -m benchmarks.taobao_log <days> <events a day> <first day> <seed> <folder>``."""
    days, events_per_day, start, seed, folder = sys.argv[1:]
    TaobaoLog(int(days), int(events_per_day), date.fromisoformat(start), int(seed)).write(Path(folder))


if __name__ == "__main__":
    main()

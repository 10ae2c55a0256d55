"""A tiny warehouse with the shape that publishing meets, and a command that publishes it once.

``python tests/publishing/shop_marts.py WAREHOUSE PUBLISHED RUN_ID`` is what the kill tests start.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb

from publishing import TableSpec, publish

SESSIONS = TableSpec(
    name="fct_sessions",
    schema="marts",
    relation="fct_sessions",
    key=("shop_id", "session_id"),
    partition_by="session_date",
    description="One row a session.",
)
CUSTOMERS = TableSpec(
    name="customer_rfm",
    schema="marts",
    relation="customer_rfm",
    key=("shop_id", "customer_id"),
    partition_by=None,
    description="One row a customer.",
)
SPECS = (SESSIONS, CUSTOMERS)
FIRST_DAY = date(2024, 3, 1)


def day(number: int) -> date:
    """The day ``number`` days after the first one."""
    return FIRST_DAY + timedelta(days=number)


class ShopWarehouse:
    """Marts and write log in ``path``, changed the way dbt changes them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with duckdb.connect(path) as connection:
            connection.execute(
                """
                CREATE SCHEMA IF NOT EXISTS marts;
                CREATE SCHEMA IF NOT EXISTS ops;
                CREATE OR REPLACE TABLE marts.fct_sessions
                    (shop_id VARCHAR, session_id VARCHAR, session_date DATE, revenue BIGINT, stamp BIGINT);
                CREATE OR REPLACE TABLE marts.customer_rfm (shop_id VARCHAR, customer_id VARCHAR, stamp BIGINT);
                CREATE OR REPLACE TABLE ops.partition_writes
                    (write_id BIGINT, model VARCHAR, from_date DATE, to_date DATE, written_at TIMESTAMP);
                """
            )

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement and close the warehouse again."""
        with duckdb.connect(self.path) as connection:
            connection.execute(sql, list(parameters))

    def overwrite(self, first: int, last: int, sessions_a_day: int, stamp: int) -> None:
        """Replace the sessions of days ``first`` to ``last`` (none are left for 0) and log the range."""
        with duckdb.connect(self.path) as connection:
            connection.execute("BEGIN")
            connection.execute(
                "DELETE FROM marts.fct_sessions WHERE session_date BETWEEN ? AND ?", [day(first), day(last)]
            )
            connection.execute(
                """
                INSERT INTO marts.fct_sessions
                SELECT 'demo', format('s{}-{}', d, i), ?::DATE + d::INTEGER, 100 * i, ?
                FROM range(?, ?) days(d), range(?) numbers(i) ORDER BY hash(i, d)
                """,
                [FIRST_DAY, stamp, first, last + 1, sessions_a_day],
            )
            self.log(connection, day(first), day(last))
            connection.execute("COMMIT")

    @staticmethod
    def log(connection: duckdb.DuckDBPyConnection, first: date | None, last: date | None) -> None:
        """Log one write of the sessions mart."""
        connection.execute(
            """
            INSERT INTO ops.partition_writes
            SELECT coalesce(max(write_id), 0) + 1, 'fct_sessions', ?, ?, now()::TIMESTAMP FROM ops.partition_writes
            """,
            [first, last],
        )

    def set_customers(self, count: int, stamp: int) -> None:
        """Rebuild the customers mart."""
        self.execute(
            "CREATE OR REPLACE TABLE marts.customer_rfm AS "
            "SELECT 'demo' AS shop_id, format('c{:04}', i) AS customer_id, ?::BIGINT AS stamp "
            "FROM range(?) customers(i)",
            [stamp, count],
        )


if __name__ == "__main__":
    publish(Path(sys.argv[1]), Path(sys.argv[2]), SPECS, sys.argv[3], FIRST_DAY)

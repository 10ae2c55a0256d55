"""The same rows give the same bytes: in any insertion order, company, thread count or memory."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from publishing import TableSpec, publish
from publishing.manifest import FileEntry

FACT = TableSpec("fct", "marts", "fct", ("id",), "d", "Two large dates and one small.")
# More than two row groups of one file, so that where groups are cut matters.
ROWS = 300_000


def publish_fact(folder: Path, order: str, threads: int, *setup: str) -> dict[str | None, FileEntry]:
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {threads}")
        connection.execute("CREATE SCHEMA marts")
        connection.execute(
            f"""
            CREATE TABLE marts.fct AS
            SELECT i AS id, DATE '2024-01-01' + (i % 2)::INTEGER AS d, md5(i::VARCHAR) AS text, i / 7 AS ratio
            FROM range({2 * ROWS}) numbers(i)
            UNION ALL SELECT -1, DATE '2023-01-01', 'alone', 0
            ORDER BY {order}
            """
        )
        for statement in setup:
            connection.execute(statement)
        result = publish(connection, folder / "published", [FACT], "run", None)
    return {file.partition: file for file in result.manifest.tables["fct"].files}


@pytest.mark.parametrize(
    ("order", "threads", "setup"),
    [
        ("hash(id)", 4, []),
        ("id DESC", 2, ["SET preserve_insertion_order = false"]),
        ("hash(id + 1)", 3, ["SET memory_limit = '150MB'"]),
    ],
)
def test_order_threads_and_memory(tmp_path: Path, order: str, threads: int, setup: list[str]) -> None:
    plain = publish_fact(tmp_path / "plain", "id", 1)
    other = publish_fact(tmp_path / "other", order, threads, *setup)
    assert [file.rows for file in plain.values()] == [1, ROWS, ROWS]
    assert other == plain


def test_company_of_other_dates(tmp_path: Path) -> None:
    plain = publish_fact(tmp_path / "plain", "id", 1)
    alone = publish_fact(tmp_path / "alone", "hash(id)", 2, "DELETE FROM marts.fct WHERE d <> DATE '2024-01-02'")
    assert list(alone) == ["2024-01-02"]
    assert alone["2024-01-02"] == plain["2024-01-02"]

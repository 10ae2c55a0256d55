"""Rows held as numbers: their texts, how they are written, and that a failed write leaves what there was."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.coded_rows import CodedRows, query_rows
from ml.write_table import replace_rows

COLUMNS = {"shop_id": "VARCHAR", "item_id": "VARCHAR", "n": "INTEGER"}
SELECT = (
    "SELECT '店' AS shop_id, items.item_id, codes.n FROM {codes} AS codes INNER JOIN {items} AS items USING (item_no)"
)


def coded(items: tuple[str, ...] = ("b", "甲"), select: str = SELECT) -> CodedRows:
    codes = pd.DataFrame({"item_no": np.array([1, 0, 1], dtype=np.int32), "n": np.array([7, 8, 9], dtype=np.int16)})
    lookup = pd.DataFrame({"item_no": range(len(items)), "item_id": list(items)})
    return CodedRows(codes, {"items": lookup}, select, tuple(COLUMNS), ("item_id", "n"))


def test_numbers_become_texts_in_the_order_of_the_key() -> None:
    rows = coded()
    assert len(rows) == 3 and not rows.empty
    assert rows.frame().to_numpy().tolist() == [["店", "b", 8], ["店", "甲", 7], ["店", "甲", 9]]
    none = CodedRows(rows.codes.head(0), rows.lookups, SELECT, rows.columns, rows.key)
    assert none.empty and list(none.frame().columns) == list(COLUMNS)


def test_a_statement_sees_a_frame_and_numbers_alike() -> None:
    statement = "SELECT item_id, sum(n) AS n FROM rows GROUP BY item_id ORDER BY item_id"
    for rows in (coded(), coded().frame()):
        assert query_rows(rows, statement).to_numpy().tolist() == [["b", 8], ["甲", 16]]


def test_numbers_replace_the_rows_of_their_shop() -> None:
    connection = duckdb.connect()
    other = pd.DataFrame({"shop_id": ["other"], "item_id": ["x"], "n": [1]})
    assert replace_rows(connection, ("ml", "t"), COLUMNS, other, by=("shop_id",)) == 1
    assert replace_rows(connection, ("ml", "t"), COLUMNS, coded(), by=("shop_id",)) == 4
    assert replace_rows(connection, ("ml", "t"), COLUMNS, coded(("c", "乙")), by=("shop_id",)) == 4
    found = connection.execute("SELECT * FROM ml.t ORDER BY shop_id, item_id, n").fetchall()
    assert found == [("other", "x", 1), ("店", "c", 8), ("店", "乙", 7), ("店", "乙", 9)]
    # nothing of the views is left on the connection
    views = "SELECT count(*) FROM duckdb_views() WHERE NOT internal"
    assert connection.execute(views).fetchall() == [(0,)]


def test_a_failed_write_leaves_the_old_rows() -> None:
    connection = duckdb.connect()
    replace_rows(connection, ("ml", "t"), COLUMNS, coded(), by=("shop_id",))
    broken = coded(select=SELECT.replace("codes.n", "CAST(items.item_id AS INTEGER) AS n"))
    with pytest.raises(duckdb.Error, match="Could not convert"):
        replace_rows(connection, ("ml", "t"), COLUMNS, broken, by=("shop_id",))
    assert connection.execute("SELECT count(*), sum(n) FROM ml.t").fetchall() == [(3, 24)]
    unknown = coded(select="SELECT nothing FROM {codes}")
    with pytest.raises(duckdb.Error, match="nothing"):
        replace_rows(connection, ("ml", "t"), COLUMNS, unknown, by=("shop_id",))
    assert connection.execute("SELECT count(*), sum(n) FROM ml.t").fetchall() == [(3, 24)]
    assert replace_rows(connection, ("ml", "t"), COLUMNS, coded(), by=("shop_id",)) == 3

"""An export depends on the rows alone, and says apart what differs."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from publishing import MissingTable, PublishedReader, export_table, publish
from tests.publishing.shop_marts import FIRST_DAY, SESSIONS, SPECS, ShopWarehouse


def test_warehouse_and_published_version_export_the_same_text(
    shop: ShopWarehouse, published: Path, tmp_path: Path
) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    with duckdb.connect(shop.path) as warehouse:
        assert export_table(warehouse, SESSIONS, tmp_path / "spec.csv") == 30
        key = ("shop_id", "session_id")
        assert export_table(warehouse, "marts.fct_sessions", tmp_path / "name.csv", key=key) == 30
    assert export_table(PublishedReader(published), "fct_sessions", tmp_path / "reader.csv") == 30

    text = (tmp_path / "spec.csv").read_text()
    assert text.splitlines()[:2] == [
        "shop_id,session_id,session_date,revenue,stamp",
        "demo,s0-0,2024-03-01,0,1",
    ]
    assert text == (tmp_path / "name.csv").read_text() == (tmp_path / "reader.csv").read_text()


def test_order_of_insertion_does_not_show_even_with_equal_keys(tmp_path: Path) -> None:
    texts = []
    for order in ("i", "i DESC", "hash(i)"):
        with duckdb.connect() as connection:
            connection.execute(
                "CREATE TABLE t AS SELECT i % 10 AS k, i AS v, random() AS run_id "
                f"FROM range(5000) numbers(i) ORDER BY {order}"
            )
            export_table(connection, "t", tmp_path / "t.csv", key=("k",), exclude=("run_id",))
        texts.append((tmp_path / "t.csv").read_bytes())
    assert texts[0] == texts[1] == texts[2]
    assert texts[0].startswith(b"k,v\n0,0\n0,10\n")


def test_null_empty_text_and_times(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET GLOBAL TimeZone = 'America/Los_Angeles'")
        connection.execute(
            "CREATE TABLE t AS SELECT * FROM (VALUES (1, '', TIMESTAMPTZ '2024-01-01 00:00:00+00'), "
            "(2, NULL, NULL), (NULL, 'a,\"b', NULL)) v(k, text, seen)"
        )
        export_table(connection, "t", tmp_path / "t.csv", key=("k",))
        # The caller's own session keeps its zone.
        assert connection.execute("SELECT current_setting('TimeZone')").fetchall() == [("America/Los_Angeles",)]
    assert (tmp_path / "t.csv").read_text() == ('k,text,seen\n1,"",2024-01-01 00:00:00+00\n2,,\n,"a,""b",\n')


def test_what_cannot_be_exported(shop: ShopWarehouse, published: Path, tmp_path: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    out = tmp_path / "out.csv"
    with pytest.raises(MissingTable, match="fct_orders"):
        export_table(PublishedReader(published), "fct_orders", out)
    with duckdb.connect(shop.path) as warehouse:
        with pytest.raises(ValueError, match="no key given"):
            export_table(warehouse, "marts.fct_sessions", out)
        with pytest.raises(ValueError, match="no column loaded_at"):
            export_table(warehouse, SESSIONS, out, exclude=("loaded_at",))
        with pytest.raises(duckdb.CatalogException):
            export_table(warehouse, "marts.absent", out, key=("k",))
    assert not out.exists()

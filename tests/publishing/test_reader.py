"""What readers get back: the warehouse's rows and types, the right version, errors with names."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from publishing import (
    BrokenPublication,
    MissingMart,
    MissingTable,
    NothingPublished,
    PublishedReader,
    TableSpec,
    publish,
)
from tests.publishing.shop_marts import CUSTOMERS, FIRST_DAY, SPECS, ShopWarehouse

EVERY_TYPE = """
    SELECT i::INTEGER AS id, 'it''s "ü"' AS text, NULL::VARCHAR AS nothing, (i * 3)::HUGEINT AS huge,
           1.25::DECIMAL(18, 2) AS amount, (0.1::DOUBLE + 0.2) AS ratio, i = 1 AS flag, DATE '2024-02-29' AS d,
           TIMESTAMP '2024-02-29 23:59:59.999999' AS ts, TIMESTAMPTZ '2024-02-29 12:00:00+02' AS tstz,
           'b'::ENUM('a', 'b') AS enumerated, '{"a": 1}'::JSON AS document, [1, NULL, 3]::BIGINT[] AS list,
           TIMESTAMP_S '2024-02-29 12:00:00' AS seconds, i AS "order by"
    FROM range(3) numbers(i)
"""


def test_types_and_values_come_back(tmp_path: Path) -> None:
    spec = TableSpec("every_type", "marts", "every_type", ("id",), "d", "One column a type.")
    with duckdb.connect() as warehouse:
        warehouse.execute("SET TimeZone = 'Asia/Shanghai'")
        warehouse.execute(f"CREATE SCHEMA marts; CREATE VIEW marts.every_type AS {EVERY_TYPE}")
        # Characters that file lists and folder layouts give a meaning to must not matter in a path.
        published = tmp_path / "flag=[b]*? it's" / "published"
        publish(warehouse, published, [spec], "run", None)
        expected = warehouse.execute("SELECT * REPLACE (huge::BIGINT AS huge) FROM marts.every_type").fetchall()
    connection = PublishedReader(published).connect()
    rows = connection.execute("SELECT * FROM every_type ORDER BY id").fetchall()
    assert [tuple(map(str, row[:9])) for row in rows] == [tuple(map(str, row[:9])) for row in expected]
    assert rows[0][9] == datetime(2024, 2, 29, 10, tzinfo=UTC)
    assert [row[10:] for row in rows] == [row[10:] for row in expected]
    types = dict(connection.execute("SELECT column_name, column_type FROM (DESCRIBE every_type)").fetchall())
    assert (types["huge"], types["amount"], types["enumerated"]) == ("BIGINT", "DECIMAL(18,2)", "VARCHAR")
    manifest_types = {column.name: column.type for column in PublishedReader(published).table("every_type").columns}
    assert types == manifest_types


def test_an_empty_mart_is_an_empty_table_with_types(shop: ShopWarehouse, published: Path) -> None:
    full = publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    described = PublishedReader(published).connect().execute("DESCRIBE fct_sessions").fetchall()
    shop.execute("DELETE FROM marts.fct_sessions")
    shop.overwrite(0, 9, sessions_a_day=0, stamp=1)
    shop.execute("DELETE FROM marts.customer_rfm")

    empty = publish(shop.path, published, SPECS, "run2", FIRST_DAY)

    connection = PublishedReader(published).connect()
    assert connection.execute("SELECT count(*) FROM fct_sessions, customer_rfm").fetchall() == [(0,)]
    assert connection.execute("DESCRIBE fct_sessions").fetchall() == described
    assert empty.manifest.tables["customer_rfm"].files == ()
    assert empty.manifest.tables["fct_sessions"].schema_hash == full.manifest.tables["fct_sessions"].schema_hash


def test_refresh_moves_later_connections_only(shop: ShopWarehouse, published: Path) -> None:
    first = publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    reader = PublishedReader(published)
    old = reader.connect()
    assert (reader.version, reader.refresh()) == (first.version, False)
    shop.set_customers(8, stamp=2)
    second = publish(shop.path, published, [CUSTOMERS], "run2", FIRST_DAY)

    assert reader.version == first.version
    assert reader.refresh() is True
    assert reader.version == second.version
    assert reader.connect().execute("SELECT count(*) FROM customer_rfm").fetchall() == [(8,)]
    assert old.execute("SELECT count(*) FROM customer_rfm").fetchall() == [(5,)]
    # A table that is no longer published is gone, not frozen in time.
    with pytest.raises(duckdb.CatalogException):
        reader.connect().execute("SELECT * FROM fct_sessions")


def test_asking_for_what_is_not_there(shop: ShopWarehouse, published: Path) -> None:
    with pytest.raises(NothingPublished, match=r"current\.json does not exist"):
        PublishedReader(published).connect()
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    reader = PublishedReader(published)
    reader.require("fct_sessions", "customer_rfm")
    with pytest.raises(MissingTable, match="has no table fct_orders; it has customer_rfm, fct_sessions") as caught:
        reader.require("fct_sessions", "fct_orders")
    assert isinstance(caught.value, MissingMart) and caught.value.names == ("fct_orders",)
    with pytest.raises(MissingMart):
        reader.table("fct_orders")
    assert reader.table("fct_sessions").description == "One row a session."


def test_a_deleted_or_cut_file_is_named_and_the_old_version_stays(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    reader = PublishedReader(published)
    before = reader.version
    shop.set_customers(9, stamp=2)
    second = publish(shop.path, published, SPECS, "run2", FIRST_DAY)
    broken = published / second.manifest.tables["customer_rfm"].files[0].path
    broken.write_bytes(broken.read_bytes()[:-1])

    with pytest.raises(BrokenPublication, match=broken.name):
        reader.refresh()
    assert reader.version == before
    assert reader.connect().execute("SELECT count(*) FROM customer_rfm").fetchall() == [(5,)]


def test_a_published_folder_can_be_moved(shop: ShopWarehouse, published: Path, tmp_path: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    shutil.move(published, tmp_path / "elsewhere")
    connection = PublishedReader(tmp_path / "elsewhere").connect()
    assert connection.execute("SELECT count(*) FROM fct_sessions").fetchall() == [(30,)]


def test_the_manifest_says_what_readers_rely_on(shop: ShopWarehouse, published: Path) -> None:
    renamed = dataclasses.replace(CUSTOMERS, name="customers")
    result = publish(shop.path, published, [SPECS[0], renamed], "0a1b2c3d-4e5f", FIRST_DAY)
    assert result.version == "v00000001-0a1b2c3d"
    manifest = result.manifest.model_dump(mode="json", by_alias=True)
    assert manifest["data_as_of"] == "2024-03-01" and manifest["run_id"] == "0a1b2c3d-4e5f"
    sessions = manifest["tables"]["fct_sessions"]
    assert sessions["covered_write_id"] == 1 and sessions["key"] == ["shop_id", "session_id"]
    assert sessions["schema"][2] == {"name": "session_date", "type": "DATE"}
    assert manifest["tables"]["customers"]["rows"] == 5
    for file in sessions["files"]:
        assert file["path"] == f"data/fct_sessions/{file['partition']}/{file['sha256'][:20]}.parquet"
        assert (published / file["path"]).stat().st_size == file["bytes"]

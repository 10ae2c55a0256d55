"""What cannot be published is refused by name, and readers keep what they had."""

from __future__ import annotations

import dataclasses
import fcntl
from pathlib import Path

import pytest

from publishing import (
    BrokenPublication,
    KeyNotUnique,
    MissingMart,
    PublishedReader,
    PublishingError,
    PublishInProgress,
    TableSpec,
    UnpublishableColumn,
    publish,
)
from tests.publishing.shop_marts import CUSTOMERS, FIRST_DAY, SESSIONS, SPECS, ShopWarehouse


def snapshot_of(published: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(published)): path.read_bytes()
        for path in published.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_missing_marts_are_all_named_and_nothing_moves(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    before = snapshot_of(published)
    shop.execute("DROP TABLE marts.customer_rfm")
    absent = dataclasses.replace(CUSTOMERS, name="dim_absent", relation="dim_absent")

    with pytest.raises(MissingMart, match=r"customer_rfm \(marts.customer_rfm\), dim_absent") as caught:
        publish(shop.path, published, [*SPECS, absent], "run2", FIRST_DAY)

    assert len(caught.value.names) == 2
    assert snapshot_of(published) == before


def test_a_mart_in_another_schema_is_missing(shop: ShopWarehouse, published: Path) -> None:
    with pytest.raises(MissingMart, match="elsewhere"):
        publish(shop.path, published, [dataclasses.replace(CUSTOMERS, schema="elsewhere")], "run", FIRST_DAY)
    assert not (published / "current.json").exists()


def test_two_rows_with_one_key(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    version = PublishedReader(published).version
    shop.execute("INSERT INTO marts.customer_rfm VALUES ('demo', 'c0003', 9)")

    with pytest.raises(KeyNotUnique, match="customer_rfm: 2 rows have shop_id = 'demo', customer_id = 'c0003'"):
        publish(shop.path, published, SPECS, "run2", FIRST_DAY)

    assert PublishedReader(published).version == version
    assert not (published / ".staging").exists()


def test_a_sum_too_large_for_64_bits(shop: ShopWarehouse, published: Path) -> None:
    shop.execute("CREATE OR REPLACE TABLE marts.customer_rfm AS SELECT 'a' AS k, 9223372036854775808::HUGEINT AS total")
    spec = dataclasses.replace(CUSTOMERS, key=("k",))
    with pytest.raises(UnpublishableColumn, match=r"customer_rfm.*9223372036854775808"):
        publish(shop.path, published, [spec], "run", FIRST_DAY)


@pytest.mark.parametrize("value", ["INTERVAL 1 DAY", "{'a': 1}", "[1::HUGEINT]", "MAP {'a': 1}"])
def test_types_that_parquet_would_not_give_back(shop: ShopWarehouse, published: Path, value: str) -> None:
    shop.execute(f"CREATE OR REPLACE TABLE marts.customer_rfm AS SELECT 'a' AS k, {value} AS odd")
    with pytest.raises(UnpublishableColumn, match=r"customer_rfm\.odd"):
        publish(shop.path, published, [dataclasses.replace(CUSTOMERS, key=("k",))], "run", FIRST_DAY)


def test_specifications_that_cannot_be(shop: ShopWarehouse, published: Path) -> None:
    for spec, message in [
        (dataclasses.replace(SESSIONS, key=("session_key",)), "column session_key is not in fct_sessions"),
        (dataclasses.replace(SESSIONS, partition_by="day"), "column day is not in fct_sessions"),
        (dataclasses.replace(SESSIONS, partition_by="shop_id"), "partition_by shop_id is VARCHAR, expected DATE"),
    ]:
        with pytest.raises(ValueError, match=message):
            publish(shop.path, published, [spec], "run", FIRST_DAY)
    with pytest.raises(ValueError, match="more than one TableSpec is called fct_sessions"):
        publish(shop.path, published, [SESSIONS, SESSIONS], "run", FIRST_DAY)
    with pytest.raises(ValueError, match="tables is empty"):
        publish(shop.path, published, [], "run", FIRST_DAY)
    with pytest.raises(ValueError, match="lower-case"):
        TableSpec("../escape", "marts", "x", ("k",), None, "")
    with pytest.raises(ValueError, match="key is empty"):
        TableSpec("x", "marts", "x", (), None, "")


def test_a_warehouse_that_is_not_there(tmp_path: Path, published: Path) -> None:
    with pytest.raises(PublishingError, match=r"nowhere\.duckdb does not exist"):
        publish(tmp_path / "nowhere.duckdb", published, SPECS, "run", FIRST_DAY)
    assert not (tmp_path / "nowhere.duckdb").exists()


def test_a_second_publisher_is_turned_away(shop: ShopWarehouse, published: Path) -> None:
    published.mkdir()
    with (published / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(PublishInProgress):
            publish(shop.path, published, SPECS, "run", FIRST_DAY)
    assert publish(shop.path, published, SPECS, "run", FIRST_DAY).changed


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": "../v"}', '{"version": 3}'])
def test_an_unreadable_pointer_is_an_error_for_both_sides(shop: ShopWarehouse, published: Path, text: str) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    (published / "current.json").write_text(text)
    with pytest.raises(BrokenPublication, match=r"current\.json"):
        PublishedReader(published).connect()
    with pytest.raises(BrokenPublication, match=r"current\.json"):
        publish(shop.path, published, SPECS, "run2", FIRST_DAY)
    (published / "current.json").unlink()
    assert publish(shop.path, published, SPECS, "run3", FIRST_DAY).tables["fct_sessions"].reused == 10


def test_a_lost_manifest_is_made_good_by_the_next_publish(shop: ShopWarehouse, published: Path) -> None:
    first = publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    (published / first.version / "manifest.json").unlink()
    with pytest.raises(BrokenPublication, match=r"manifest\.json"):
        PublishedReader(published).connect()

    second = publish(shop.path, published, SPECS, "run2", FIRST_DAY)
    assert second.manifest.tables == first.manifest.tables
    assert PublishedReader(published).version == second.version > first.version

"""The newest versions stay with all their files, the rest goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from publishing import PublishedReader, publish
from publishing.manifest import read_manifest
from tests.publishing.shop_marts import FIRST_DAY, SPECS, ShopWarehouse


def publish_often(shop: ShopWarehouse, published: Path, times: int, keep_versions: int = 4) -> list[str]:
    versions = []
    for stamp in range(1, times + 1):
        shop.overwrite(stamp, stamp, sessions_a_day=3, stamp=stamp)
        shop.set_customers(5, stamp=stamp)
        versions.append(publish(shop.path, published, SPECS, f"run-{stamp}", FIRST_DAY, keep_versions).version)
    return versions


def test_four_versions_stay_readable_and_no_file_without_a_version(shop: ShopWarehouse, published: Path) -> None:
    versions = publish_often(shop, published, 7)

    assert versions == sorted(set(versions))
    assert sorted(path.name for path in published.glob("v*")) == versions[-4:]
    named = {
        file.path
        for version in versions[-4:]
        for table in read_manifest(published, version).tables.values()
        for file in table.files
    }
    there = {str(path.relative_to(published)) for path in (published / "data").rglob("*.parquet")}
    assert there == named


def test_a_slow_reader_keeps_its_version_for_three_more_publishes(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "first", FIRST_DAY)
    connection = PublishedReader(published).connect()
    publish_often(shop, published, 3)
    assert connection.execute("SELECT sum(stamp), count(*) FROM fct_sessions").fetchall() == [(30, 30)]


def test_keeping_one_version_keeps_the_current(shop: ShopWarehouse, published: Path) -> None:
    versions = publish_often(shop, published, 3, keep_versions=1)
    assert [path.name for path in published.glob("v*")] == versions[-1:]
    assert PublishedReader(published).connect().execute("SELECT count(*) FROM fct_sessions").fetchall() == [(30,)]


def test_foreign_files_are_left_alone(shop: ShopWarehouse, published: Path) -> None:
    published.mkdir()
    for name in ("notes.txt", "views", "v1"):
        (published / name).mkdir() if "." not in name else (published / name).write_text("mine")
    publish_often(shop, published, 6)
    assert (published / "notes.txt").read_text() == "mine"
    assert (published / "views").is_dir() and (published / "v1").is_dir()


def test_keeping_no_version_is_refused(shop: ShopWarehouse, published: Path) -> None:
    with pytest.raises(ValueError, match="keep_versions is 0"):
        publish(shop.path, published, SPECS, "run", FIRST_DAY, keep_versions=0)

"""Killed with SIGKILL anywhere, publishing leaves readers the old version and the next run heals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from publishing import PublishedReader, publish
from publishing.errors import NothingPublished
from tests.publishing.shop_marts import FIRST_DAY, SPECS, ShopWarehouse

ROOT = Path(__file__).parents[2]
BEFORE_POINTER = [
    "publish:file",
    "publish:file#2",
    "publish:file#4",
    "publish:before_manifest",
    "publish:before_pointer",
]


def publish_and_die(shop: ShopWarehouse, published: Path, point: str) -> None:
    command = [sys.executable, str(ROOT / "tests/publishing/shop_marts.py"), str(shop.path), str(published), "killed"]
    environment = {**os.environ, "FOOTFALL_CRASH_AT": point, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert finished.returncode == -signal.SIGKILL, finished.stderr


def stamps(published: Path) -> tuple[list[int], list[int]]:
    connection = PublishedReader(published).connect()
    sessions = connection.execute("SELECT stamp, count(*) FROM fct_sessions GROUP BY stamp ORDER BY stamp").fetchall()
    customers = connection.execute("SELECT DISTINCT stamp FROM customer_rfm").fetchall()
    return [count for _, count in sessions], [stamp for (stamp,) in customers]


def data_files(published: Path) -> set[str]:
    return {str(path.relative_to(published)) for path in (published / "data").rglob("*")}


def change(shop: ShopWarehouse) -> None:
    shop.overwrite(2, 4, sessions_a_day=2, stamp=2)
    shop.overwrite(5, 5, sessions_a_day=0, stamp=2)
    shop.set_customers(6, stamp=2)


@pytest.mark.parametrize("point", BEFORE_POINTER)
def test_killed_before_the_pointer(shop: ShopWarehouse, published: Path, tmp_path: Path, point: str) -> None:
    undisturbed = tmp_path / "undisturbed"
    for folder in (published, undisturbed):
        publish(shop.path, folder, SPECS, "run1", FIRST_DAY)
    old = PublishedReader(published).version
    change(shop)

    publish_and_die(shop, published, point)

    assert PublishedReader(published).version == old
    assert stamps(published) == ([30], [1])

    healed = publish(shop.path, published, SPECS, "run2", FIRST_DAY)
    expected = publish(shop.path, undisturbed, SPECS, "run2", FIRST_DAY)
    assert healed.manifest.tables == expected.manifest.tables
    assert stamps(published) == ([18, 6], [2])
    assert data_files(published) == data_files(undisturbed)
    # The version that never became current is gone with its manifest, and so is what was staged.
    folders = {path.name for path in published.iterdir() if path.is_dir()}
    assert folders == {"data", old, healed.version}


def test_killed_after_the_pointer(shop: ShopWarehouse, published: Path, tmp_path: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY, keep_versions=1)
    change(shop)

    publish_and_die(shop, published, "publish:after_pointer")

    assert stamps(published) == ([18, 6], [2])
    again = publish(shop.path, published, SPECS, "run2", FIRST_DAY, keep_versions=1)
    expected = publish(shop.path, tmp_path / "fresh", SPECS, "run2", FIRST_DAY)
    assert not again.changed
    assert again.manifest.tables == expected.manifest.tables
    # The clean-up that the killed run did not reach has been made up for.
    assert data_files(published) == data_files(tmp_path / "fresh")


@pytest.mark.parametrize("point", ["publish:file#3", "publish:before_pointer"])
def test_killed_in_the_very_first_publish(shop: ShopWarehouse, published: Path, point: str) -> None:
    publish_and_die(shop, published, point)

    with pytest.raises(NothingPublished):
        PublishedReader(published).connect()
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    assert stamps(published) == ([30], [1])
    assert not list(published.glob("*killed*"))

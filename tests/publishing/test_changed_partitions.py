"""Only what the write log names is written anew; everything else keeps its files untouched."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import duckdb

from publishing import Manifest, PublishedReader, publish
from tests.publishing.shop_marts import FIRST_DAY, SESSIONS, SPECS, ShopWarehouse, day


def files_by_day(manifest: Manifest) -> dict[str | None, str]:
    return {file.partition: file.path for file in manifest.tables["fct_sessions"].files}


def revenue(published: Path) -> int:
    row = PublishedReader(published).connect().execute("SELECT sum(stamp) FROM fct_sessions").fetchone()
    assert row is not None
    return row[0]


def test_unchanged_dates_keep_their_files_and_times(shop: ShopWarehouse, published: Path) -> None:
    first = publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    times = {path: (published / path).stat().st_mtime_ns for path in files_by_day(first.manifest).values()}
    shop.overwrite(4, 5, sessions_a_day=4, stamp=2)

    second = publish(shop.path, published, SPECS, "run2", FIRST_DAY)

    before, after = files_by_day(first.manifest), files_by_day(second.manifest)
    assert {key for key in after if before[key] != after[key]} == {day(4).isoformat(), day(5).isoformat()}
    kept = [path for path in after.values() if path in times]
    assert len(kept) == 8
    assert all((published / path).stat().st_mtime_ns == times[path] for path in kept)
    outcome = second.tables["fct_sessions"]
    assert (outcome.written, outcome.reused, outcome.carried, outcome.rows) == (2, 0, 8, 32)
    assert second.tables["customer_rfm"].reused == 1


def test_dates_outside_the_log_are_not_even_read(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    shop.execute("UPDATE marts.fct_sessions SET stamp = 1000")
    shop.overwrite(0, 0, sessions_a_day=3, stamp=2)

    publish(shop.path, published, SPECS, "run2", FIRST_DAY)

    assert revenue(published) == 27 * 1 + 3 * 2


def test_an_emptied_date_and_a_new_date(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    shop.overwrite(3, 3, sessions_a_day=0, stamp=2)
    shop.overwrite(10, 10, sessions_a_day=2, stamp=2)

    second = publish(shop.path, published, SPECS, "run2", FIRST_DAY)

    expected = {day(number).isoformat() for number in range(11)} - {day(3).isoformat()}
    assert set(files_by_day(second.manifest)) == expected
    assert second.tables["fct_sessions"].rows == 29


def test_many_small_ranges_write_just_those_dates(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    for number in (1, 4, 8, 4):
        shop.overwrite(number, number, sessions_a_day=3, stamp=2)

    second = publish(shop.path, published, SPECS, "run2", FIRST_DAY)

    assert (second.tables["fct_sessions"].written, second.tables["fct_sessions"].carried) == (3, 7)
    assert revenue(published) == 21 + 9 * 2


def test_rows_without_a_date_have_a_file_of_their_own_and_follow_every_write(
    shop: ShopWarehouse, published: Path
) -> None:
    shop.execute("INSERT INTO marts.fct_sessions VALUES ('demo', 'undated', NULL, 7, 1)")
    first = publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    assert files_by_day(first.manifest)["null"].startswith("data/fct_sessions/null/")
    assert first.tables["fct_sessions"].rows == 31

    shop.execute("UPDATE marts.fct_sessions SET revenue = 8 WHERE session_date IS NULL")
    shop.overwrite(2, 2, sessions_a_day=3, stamp=2)
    second = publish(shop.path, published, SPECS, "run2", FIRST_DAY)
    assert (second.tables["fct_sessions"].written, second.tables["fct_sessions"].rows) == (2, 31)
    undated = PublishedReader(published).connect().execute("FROM fct_sessions WHERE session_date IS NULL").fetchall()
    assert undated == [("demo", "undated", None, 8, 1)]

    shop.execute("DELETE FROM marts.fct_sessions WHERE session_date IS NULL")
    shop.overwrite(2, 2, sessions_a_day=3, stamp=2)
    third = publish(shop.path, published, SPECS, "run3", FIRST_DAY)
    assert "null" not in files_by_day(third.manifest)
    assert third.tables["fct_sessions"].rows == 30


def test_an_unbounded_write_means_the_whole_table(shop: ShopWarehouse, published: Path) -> None:
    for number, (first, last) in enumerate([(None, None), (day(1), None), (None, day(1)), (day(2), day(1))]):
        publish(shop.path, published, SPECS, f"before{number}", FIRST_DAY)
        shop.execute("UPDATE marts.fct_sessions SET stamp = ?", [10 + number])
        with duckdb.connect(shop.path) as connection:
            shop.log(connection, first, last)
        result = publish(shop.path, published, SPECS, f"after{number}", FIRST_DAY)
        assert result.tables["fct_sessions"].written == 10, (first, last)
        assert revenue(published) == 30 * (10 + number)


def test_a_rebuilt_warehouse_whose_log_has_passed_the_covered_id(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    rebuilt = ShopWarehouse(shop.path)
    rebuilt.overwrite(0, 9, sessions_a_day=3, stamp=5)
    rebuilt.overwrite(9, 9, sessions_a_day=3, stamp=5)
    rebuilt.set_customers(5, stamp=5)

    second = publish(rebuilt.path, published, SPECS, "run2", FIRST_DAY)

    assert second.tables["fct_sessions"].reason == "the warehouse was rebuilt since"
    assert revenue(published) == 30 * 5


def test_an_emptied_log_means_the_whole_table(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    shop.execute("UPDATE marts.fct_sessions SET stamp = 6")
    shop.execute("DELETE FROM ops.partition_writes")

    publish(shop.path, published, SPECS, "run2", FIRST_DAY)

    assert revenue(published) == 30 * 6


def test_a_warehouse_without_a_log_is_published_whole(shop: ShopWarehouse, published: Path) -> None:
    shop.execute("DROP TABLE ops.partition_writes")
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    shop.execute("UPDATE marts.fct_sessions SET stamp = 6")

    publish(shop.path, published, SPECS, "run2", FIRST_DAY)

    assert revenue(published) == 30 * 6


def test_a_lost_data_file_is_written_again(shop: ShopWarehouse, published: Path) -> None:
    first = publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    lost = published / files_by_day(first.manifest)[day(2).isoformat()]
    lost.unlink()
    shop.overwrite(5, 5, sessions_a_day=3, stamp=2)

    second = publish(shop.path, published, SPECS, "run2", FIRST_DAY)

    assert lost.is_file()
    assert second.tables["fct_sessions"].written == 2
    assert revenue(published) == 27 + 3 * 2


def test_a_schema_change_rewrites_every_partition(shop: ShopWarehouse, published: Path) -> None:
    first = publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    shop.execute("ALTER TABLE marts.fct_sessions ADD COLUMN device VARCHAR DEFAULT 'mobile'")

    second = publish(shop.path, published, SPECS, "run2", FIRST_DAY)

    entries = first.manifest.tables["fct_sessions"], second.manifest.tables["fct_sessions"]
    assert entries[0].schema_hash != entries[1].schema_hash
    assert second.tables["fct_sessions"].written == 10
    connection = PublishedReader(published).connect()
    assert connection.execute("SELECT DISTINCT device FROM fct_sessions").fetchall() == [("mobile",)]


def test_changed_key_or_partitioning_rewrites_the_table(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    other_key = dataclasses.replace(SESSIONS, key=("session_id",))
    reordered = publish(shop.path, published, [other_key], "run2", FIRST_DAY)
    assert reordered.tables["fct_sessions"].carried == 0
    assert "customer_rfm" not in reordered.manifest.tables

    unpartitioned = dataclasses.replace(other_key, partition_by=None)
    whole = publish(shop.path, published, [unpartitioned], "run3", FIRST_DAY)
    assert list(files_by_day(whole.manifest)) == [None]
    assert revenue(published) == 30


def test_a_run_that_changes_nothing_makes_no_version(shop: ShopWarehouse, published: Path) -> None:
    first = publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    again = publish(shop.path, published, SPECS, "run2", FIRST_DAY)
    assert (again.version, again.changed) == (first.version, False)

    later = publish(shop.path, published, SPECS, "run3", day(1))
    assert later.changed and later.version > first.version

    # The same rows written again count: the version must say that it has seen that write.
    shop.overwrite(2, 2, sessions_a_day=3, stamp=1)
    rewritten = publish(shop.path, published, SPECS, "run4", day(1))
    assert rewritten.changed
    assert rewritten.tables["fct_sessions"].reused == 1
    assert rewritten.tables["fct_sessions"].written == 0

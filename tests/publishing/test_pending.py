"""Which days are pending, from the ledger and what is published; a day is forgotten only by publishing it."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from publishing import TableSpec, publish
from publishing.pending import DayRange, between, day_ranges, pending_days, refresh_mark

AUDIT = TableSpec("audit_arrival_days", "marts", "audit_arrival_days", ("shop_id", "arrival_date"), None, "Days done.")


class Installation:
    """A ledger, and published audit rows, without anything in between."""

    def __init__(self, home: Path) -> None:
        self.ledger = home / "ledger"
        self.published = home / "published"
        self.ledger.mkdir(parents=True)
        (self.ledger / "schema.json").touch()
        self.shops = dict.fromkeys(["main", "other", "north", "south"], "events")
        self._write_shops()

    def orders_come_from(self, shop: str, where: str) -> None:
        self.shops[shop] = where
        self._write_shops()

    def _write_shops(self) -> None:
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE shops (shop_id VARCHAR, orders_from VARCHAR)")
            connection.executemany("INSERT INTO shops VALUES (?, ?)", list(self.shops.items()))
            connection.execute(f"COPY shops TO '{self.ledger.parent / 'shops.parquet'}' (FORMAT parquet)")

    def load(self, load_id: str, *days: str, shop: str = "main", supersedes: tuple[str, ...] = ()) -> None:
        entry = {
            "load_id": load_id,
            "shop_id": shop,
            "supersedes": list(supersedes),
            "arrival_days": [{"day": day, "rows": 1} for day in days],
        }
        (self.ledger / f"{load_id}.json").write_text(json.dumps(entry))

    def publish(self, rows: list[tuple[str, str, str]]) -> None:
        """Rows of shop, day and the load ids that were processed."""
        with duckdb.connect() as connection:
            connection.execute("CREATE SCHEMA marts")
            connection.execute(
                "CREATE TABLE marts.audit_arrival_days (shop_id VARCHAR, arrival_date DATE, loads_fingerprint VARCHAR)"
            )
            for shop, day, loads in rows:
                mark = hashlib.md5(f"{self.shops[shop]}:{loads}".encode()).hexdigest()
                connection.execute("INSERT INTO marts.audit_arrival_days VALUES (?, ?, ?)", [shop, day, mark])
            publish(connection, self.published, [AUDIT], "run", None)

    def pending(self) -> list[tuple[str, str]]:
        return [(day.shop_id, day.arrival_date.isoformat()) for day in pending_days(self.ledger, self.published)]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_nothing_is_pending_where_nothing_was_loaded(installation: Installation) -> None:
    assert installation.pending() == []


def test_a_loaded_day_is_pending_until_it_is_published(installation: Installation) -> None:
    installation.load("a", "2025-01-02", "2025-01-01")
    assert installation.pending() == [("main", "2025-01-01"), ("main", "2025-01-02")]
    installation.publish([("main", "2025-01-01", "a")])
    assert installation.pending() == [("main", "2025-01-02")]


def test_orders_from_elsewhere_make_all_days_of_the_shop_pending(installation: Installation) -> None:
    installation.load("a", "2025-01-01")
    installation.load("b", "2025-01-01", shop="other")
    installation.publish([("main", "2025-01-01", "a"), ("other", "2025-01-01", "b")])
    assert installation.pending() == []
    installation.orders_come_from("main", "tables")
    assert installation.pending() == [("main", "2025-01-01")]


def test_a_second_file_makes_a_published_day_pending_again(installation: Installation) -> None:
    installation.load("b", "2025-01-01")
    installation.publish([("main", "2025-01-01", "b")])
    installation.load("a", "2025-01-01")
    assert installation.pending() == [("main", "2025-01-01")]
    installation.publish([("main", "2025-01-01", "a,b")])
    assert installation.pending() == []


def test_a_superseding_load_dirties_its_own_days_and_those_it_took_away(installation: Installation) -> None:
    installation.load("a", "2025-01-01", "2025-01-02")
    installation.publish([("main", "2025-01-01", "a"), ("main", "2025-01-02", "a")])
    installation.load("b", "2025-01-02", "2025-01-03", supersedes=("a",))
    days = pending_days(installation.ledger, installation.published)
    assert [(day.arrival_date.day, day.reason) for day in days] == [
        (1, "is published, and all its loads were superseded"),
        (2, "is published without its newest loads or settings"),
        (3, "has arrived and is not published"),
    ]


def test_shops_are_told_apart(installation: Installation) -> None:
    installation.load("a", "2025-01-01", shop="north")
    installation.load("b", "2025-01-01", shop="south")
    installation.publish([("north", "2025-01-01", "a")])
    assert installation.pending() == [("south", "2025-01-01")]


def test_without_the_warehouse_every_day_is_pending(installation: Installation, tmp_path: Path) -> None:
    installation.load("a", "2025-01-01")
    installation.publish([("main", "2025-01-01", "a")])
    warehouse = tmp_path / "warehouse.duckdb"
    assert [day.reason for day in pending_days(installation.ledger, installation.published, warehouse)] == [
        "is published, but the warehouse is gone"
    ]
    warehouse.touch()
    assert pending_days(installation.ledger, installation.published, warehouse) == []
    refresh_mark(warehouse).touch()
    assert [day.reason for day in pending_days(installation.ledger, installation.published, warehouse)] == [
        "is published, but a full refresh of the warehouse did not end"
    ]


def test_day_ranges_join_what_is_close() -> None:
    days = [date(2025, 1, day) for day in (9, 1, 2, 4, 20)]
    assert day_ranges(days) == [
        DayRange(date(2025, 1, 1), date(2025, 1, 2)),
        DayRange(date(2025, 1, 4), date(2025, 1, 4)),
        DayRange(date(2025, 1, 9), date(2025, 1, 9)),
        DayRange(date(2025, 1, 20), date(2025, 1, 20)),
    ]
    assert day_ranges(days, join_gap=4) == [
        DayRange(date(2025, 1, 1), date(2025, 1, 9)),
        DayRange(date(2025, 1, 20), date(2025, 1, 20)),
    ]
    assert day_ranges([]) == []
    assert day_ranges(days, join_gap=4)[0].days == 9


def test_between_takes_open_ends(installation: Installation) -> None:
    installation.load("a", "2025-01-01", "2025-01-02", "2025-01-03")
    days = pending_days(installation.ledger, installation.published)
    assert [day.arrival_date.day for day in between(days, date(2025, 1, 2), None)] == [2, 3]
    assert [day.arrival_date.day for day in between(days, None, date(2025, 1, 2))] == [1, 2]

"""A reader at work during many publishes never sees two versions at once."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path

import duckdb
import pytest

from publishing import PublishedReader, publish
from tests.publishing.shop_marts import FIRST_DAY, SPECS, ShopWarehouse

PUBLISHES = 20


def test_no_mix_during_twenty_publishes(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    done, seen, failures = threading.Event(), set[int](), list[str]()

    def read() -> None:
        reader = PublishedReader(published)
        last_round = False
        while not last_round:
            # Asked before reading, so that the version of the last publish is read too.
            last_round = done.is_set()
            reader.refresh()
            connection = reader.connect()
            # In one query and in two on the same connection, with a refresh between the two.
            joined = connection.execute(
                "SELECT DISTINCT stamp FROM (SELECT stamp FROM fct_sessions UNION ALL SELECT stamp FROM customer_rfm)"
            ).fetchall()
            first = connection.execute("SELECT max(stamp) FROM fct_sessions").fetchall()
            reader.refresh()
            second = connection.execute("SELECT max(stamp) FROM customer_rfm").fetchall()
            if len(joined) != 1 or not joined == first == second:
                failures.append(f"{joined} {first} {second}")
            seen.update(stamp for (stamp,) in joined)

    def guarded() -> None:
        try:
            read()
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=guarded) for _ in range(2)]
    for thread in threads:
        thread.start()
    for stamp in range(2, PUBLISHES + 2):
        shop.overwrite(0, 9, sessions_a_day=3, stamp=stamp)
        shop.set_customers(5, stamp=stamp)
        # Enough versions stay for a reader that is slower than the publisher on a busy machine.
        publish(shop.path, published, SPECS, f"run{stamp}", FIRST_DAY, keep_versions=PUBLISHES)
    done.set()
    for thread in threads:
        thread.join(timeout=60)

    assert failures == []
    assert PUBLISHES + 1 in seen
    assert len(seen) > 2, "the readers never overlapped with the publishes"


def test_readers_leave_the_warehouse_to_its_writer(shop: ShopWarehouse, published: Path) -> None:
    publish(shop.path, published, SPECS, "run1", FIRST_DAY)
    connection = PublishedReader(published).connect()
    with duckdb.connect(shop.path) as writer:
        writer.execute("INSERT INTO marts.customer_rfm VALUES ('demo', 'new', 9)")
        assert connection.execute("SELECT count(*) FROM customer_rfm").fetchall() == [(5,)]
        # An open connection to the warehouse can be published from; its own transaction is left alone.
        writer.execute("BEGIN")
        writer.execute("INSERT INTO marts.customer_rfm VALUES ('demo', 'uncommitted', 9)")
        result = publish(writer, published, SPECS, "run2", FIRST_DAY)
        assert result.tables["customer_rfm"].rows == 6
        writer.execute("COMMIT")
        assert publish(writer, published, SPECS, "run3", FIRST_DAY).tables["customer_rfm"].rows == 7


def test_all_tables_are_of_one_moment(shop: ShopWarehouse, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("publishing.publish")
    publish_table = module._publish_table
    with duckdb.connect(shop.path) as writer:

        def publish_then_write(*arguments: object) -> object:
            done = publish_table(*arguments)
            writer.execute("UPDATE marts.customer_rfm SET stamp = stamp + 1")
            return done

        monkeypatch.setattr(module, "_publish_table", publish_then_write)
        publish(writer, published, SPECS, "run1", FIRST_DAY)
        assert writer.execute("SELECT DISTINCT stamp FROM marts.customer_rfm").fetchall() == [(3,)]
    connection = PublishedReader(published).connect()
    assert connection.execute("SELECT DISTINCT stamp FROM customer_rfm").fetchall() == [(1,)]

"""The public data sets through their mappings: the counts and totals that their publishers state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.lake import Lake
from ingestion.ledger import LedgerEntry
from ingestion.load import ingest_file
from ingestion.shops import Shop

pytestmark = pytest.mark.real
REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("FOOTFALL_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
MAPPINGS = Path(__file__).parent / "sources"


def load(lake: Lake, file: str, mapping: str | Path, shop: Shop) -> LedgerEntry:
    path = DATA / file
    if not path.is_file():
        pytest.skip(f"no public data: {path} does not exist (set FOOTFALL_REAL_DATA)")
    return ingest_file(lake, path, mapping, shop).entry


def ask(lake: Lake, query: str, table: str = "events") -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW lake AS FROM read_parquet('{lake.glob(table)}', union_by_name = true)")
        return connection.execute(query).fetchall()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def counts(entry: LedgerEntry) -> tuple[int, int, int, int, int]:
    return entry.rows_read, entry.rows_accepted, entry.rows_quarantined, entry.rows_duplicate, entry.rows_skipped


def test_taobao(lake: Lake) -> None:
    file = "taobao_userbehavior/UserBehavior_first84475.csv.gz"
    entry = load(lake, file, "taobao_userbehavior", Shop("taobao", "Asia/Shanghai", "CNY"))
    assert counts(entry) == (84_475, 84_475, 0, 0, 0)
    assert ask(lake, "SELECT event_name, count(*) FROM lake GROUP BY 1 ORDER BY 2 DESC") == [
        ("view_item", 75_872),
        ("add_to_cart", 4_497),
        ("add_to_wishlist", 2_356),
        ("purchase", 1_750),
    ]
    people = "count(DISTINCT customer_id), count(DISTINCT customer_id) FILTER (WHERE event_name = 'purchase')"
    outside = "count(*) FILTER (WHERE arrival_date NOT BETWEEN DATE '2017-11-25' AND DATE '2017-12-03')"
    assert ask(lake, f"SELECT {people}, {outside}, count(price), count(quantity) FROM lake") == [(815, 559, 35, 0, 0)]
    # an order is what one user buys in one second, and one purchase event
    assert ask(
        lake,
        "SELECT count(DISTINCT order_id) = count(DISTINCT (customer_id, event_ts)) "
        "AND count(DISTINCT order_id) = count(DISTINCT event_id) FROM lake WHERE event_name = 'purchase'",
    ) == [(True,)]


def test_uci_online_retail(lake: Lake) -> None:
    file = "uci_online_retail/online_retail.parquet"
    entry = load(lake, file, "uci_online_retail", Shop("gifts", "Europe/London", "GBP"))
    assert counts(entry) == (541_909, 541_909, 0, 0, 0)
    known = "event_name = 'purchase' AND customer_id IS NOT NULL"
    assert ask(
        lake,
        f"""SELECT count(DISTINCT order_id),
                   count(*) FILTER (WHERE event_name = 'refund' AND starts_with(order_id, 'C')),
                   count(*) FILTER (WHERE customer_id IS NULL),
                   (sum(price * quantity) FILTER (WHERE {known}))::BIGINT,
                   count(*) FILTER (WHERE {known}),
                   count(DISTINCT customer_id) FILTER (WHERE {known}),
                   sum(CASE event_name WHEN 'purchase' THEN 1 ELSE -1 END * price * quantity)::BIGINT
            FROM lake""",
    ) == [(25_900, 9_288, 135_080, 891_140_790, 397_924, 4_339, 974_774_793)]
    assert ask(lake, "SELECT count(*) FROM lake WHERE contains(customer_id, '.')") == [(0,)]
    # value is the order's own total, the same on each of its rows
    assert ask(
        lake,
        """SELECT count(*) FROM (
               SELECT event_id FROM lake GROUP BY 1
               HAVING sum(price * quantity) IS DISTINCT FROM max(value) OR count(DISTINCT value) > 1
                   OR count(DISTINCT event_ts) > 1 OR count(DISTINCT item_index) <> count(*)
                   OR max(item_index) <> count(*) - 1)""",
    ) == [(0,)]


def test_google_merchandise_events(lake: Lake) -> None:
    shop = Shop("merch", "America/Los_Angeles", "USD")
    entry = load(lake, "ga_merch/events.parquet", MAPPINGS / "ga_merch_events.yml", shop)
    assert counts(entry) == (316_744, 316_354, 2, 388, 0)
    assert sorted(ask(lake, "SELECT reason_code, raw_text::JSON ->> 'quantity' FROM lake", "quarantine")) == [
        ("out_of_range", "10000000000000000.0"),
        ("out_of_range", "3243243243242.0"),
    ]
    orders = """SELECT count(*), sum(value)::BIGINT
                FROM (SELECT order_id, max(value) AS value FROM lake WHERE order_id IS NOT NULL GROUP BY 1)"""
    assert ask(lake, orders) == [(2_015, 16_476_033 + 13_230_294)]
    assert ask(lake, "SELECT count(*) FROM lake WHERE item_category IN ('(not set)', '${escCatTitle}')") == [(0,)]


def test_google_merchandise_page_hits(lake: Lake) -> None:
    shop = Shop("merch", "America/Los_Angeles", "USD")
    entry = load(lake, "ga_merch/page_hits.parquet", MAPPINGS / "ga_merch_page_hits.yml", shop)
    assert counts(entry) == (689_738, 689_738, 0, 0, 0)
    assert ask(
        lake, "SELECT count(*), count(DISTINCT event_id), count(page_url) FROM lake WHERE event_name = 'page_view'"
    ) == [(689_738, 689_738, 689_738)]

"""Taobao UserBehavior, its first 84,475 rows, through the shipped mapping to published marts."""

from __future__ import annotations

import pytest

from ingestion.ledger import read_ledger
from ingestion.shops import Shop
from publishing import PublishedReader
from tests.properties.warehouse import Warehouse
from tests.real.public_data import public_file

pytestmark = pytest.mark.real
TAOBAO = "taobao_userbehavior/UserBehavior_first84475.csv.gz"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("taobao"), threads=2)
    warehouse.land([public_file(TAOBAO)], "taobao_userbehavior", Shop("taobao", "Asia/Shanghai", "CNY"))
    warehouse.build()
    return warehouse


@pytest.fixture(scope="module")
def published(warehouse: Warehouse) -> PublishedReader:
    return warehouse.publish()


def test_the_ledger_closes(warehouse: Warehouse) -> None:
    (entry,) = read_ledger(warehouse.lake)
    assert (entry.rows_read, entry.rows_accepted) == (84_475, 84_475)
    assert (entry.rows_quarantined, entry.rows_duplicate, entry.rows_skipped) == (0, 0, 0)


def test_rows_by_event_name(warehouse: Warehouse) -> None:
    """As published: pv 75,872, cart 4,497, fav 2,356, buy 1,750."""
    counts = dict(warehouse.rows("select event_name, count(*) from intermediate.int_events group by 1"))
    assert counts == {"view_item": 75_872, "add_to_cart": 4_497, "add_to_wishlist": 2_356, "purchase": 1_750}


def test_rows_outside_the_published_window_are_kept_on_their_own_days(warehouse: Warehouse) -> None:
    """The rule for history: a row counts on its own day, however far it lies from the others, and shows there."""
    outside = warehouse.rows(
        "select event_date, sum(events)::bigint from marts.audit_events_daily "
        "where event_date not between '2017-11-25' and '2017-12-03' group by 1 order by 1"
    )
    assert [(str(day), events) for day, events in outside] == [
        ("2017-09-11", 1),
        ("2017-11-20", 1),
        ("2017-11-23", 4),
        ("2017-11-24", 29),
    ]
    assert sum(events for _, events in outside) == 35
    assert warehouse.rows("select count(*) from intermediate.int_events_too_late") == [(0,)]


def test_orders_are_purchases_of_one_second(warehouse: Warehouse, published: PublishedReader) -> None:
    connection = published.connect()
    orders, buyers, lines, money = connection.execute(
        "select count(*), count(distinct customer_id), sum(line_count)::bigint, count(revenue_minor) from fct_orders"
    ).fetchone()
    seconds = warehouse.rows(
        "select count(*) from (select distinct customer_id, event_ts from intermediate.int_events "
        "where event_name = 'purchase')"
    )
    assert [(orders,)] == seconds
    assert (buyers, lines, money) == (559, 1_750, 0)


def test_customers_are_scored_without_prices(published: PublishedReader) -> None:
    connection = published.connect()
    row = connection.execute(
        "select count(*), count(monetary_minor), count(m_score), count(segment), count(value_group) from customer_rfm"
    ).fetchone()
    assert row == (559, 0, 0, 559, 0)


def test_every_user_is_a_visitor_with_sessions(published: PublishedReader) -> None:
    connection = published.connect()
    row = connection.execute("select count(distinct visitor_id), sum(events)::bigint from fct_sessions").fetchone()
    assert row[0] == 815
    assert row[1] == connection.execute("select sum(events_in_session)::bigint from audit_events_daily").fetchone()[0]

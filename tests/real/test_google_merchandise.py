"""Google Merchandise Store: orders once, money to the cent, sessions against the shop's own.

The whole two months are part of `make verify`; `make test` runs the first week.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from ingestion.ledger import read_ledger
from tests.properties.warehouse import Warehouse
from tests.real.google_merchandise import FILES, FIRST, SHOP, land, open_beside, split_by_day
from tests.real.public_data import SOURCES, public_file

pytestmark = pytest.mark.real
WEEK_END = date(2016, 8, 7)


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    warehouse = Warehouse(tmp_path_factory.mktemp("merch-week"), threads=2)
    for files in split_by_day(tmp_path_factory.mktemp("days"), FIRST, WEEK_END).values():
        land(warehouse, files)
    warehouse.build()
    with open_beside(warehouse) as connection:
        yield connection


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("merch"), threads=2)
    for mapping, name in FILES.items():
        warehouse.land([public_file(name)], SOURCES / f"{mapping}.yml", SHOP)
    warehouse.build()
    return warehouse


@pytest.fixture(scope="module")
def whole(months: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_beside(months) as connection:
        yield connection


#: The source's orders, straight from its file: each once, worth its greatest statement.
SOURCE_ORDERS = """
    select order_id, (max(order_revenue) * 100)::decimal(18, 0)::bigint as revenue_minor,
        timezone('America/Los_Angeles', timezone('UTC', min(event_time)))::date as day
    from source_hits where event_type = 'purchase' group by order_id
"""


def test_week_orders_are_the_sources_each_once(week: duckdb.DuckDBPyConnection) -> None:
    compared = week.execute(
        f"""
        select count(*), count(orders.order_id), count(source.order_id),
            sum(orders.revenue_minor)::bigint, sum(source.revenue_minor)::bigint
        from (select * from ({SOURCE_ORDERS}) where day <= '{WEEK_END}') as source
        full join warehouse.marts.fct_orders as orders on orders.order_id = source.order_id
        """
    ).fetchone()
    assert compared[0] == compared[1] == compared[2] > 100
    assert compared[3] == compared[4]


def test_week_sessions_are_within_two_percent(week: duckdb.DuckDBPyConnection) -> None:
    ours, theirs = week.execute(
        f"""
        select (select count(*) from warehouse.marts.fct_sessions where session_date <= '{WEEK_END}'),
            (select count(*) from source_sessions where visit_date_local <= '{WEEK_END}')
        """
    ).fetchone()
    assert abs(ours - theirs) < 0.02 * theirs


@pytest.mark.long
def test_orders_by_month_of_their_session(whole: duckdb.DuckDBPyConnection) -> None:
    """2,015 orders: by August's sessions 1,145 worth 164,760.33, by September's 870 worth 132,302.94."""
    months = whole.execute(
        """
        select month(sessions.session_date), count(*), sum(orders.revenue_minor)::bigint
        from warehouse.marts.fct_orders as orders
        join warehouse.marts.fct_sessions as sessions using (shop_id, session_id)
        group by 1 order by 1
        """
    ).fetchall()
    assert months == [(8, 1_145, 16_476_033), (9, 870, 13_230_294)]
    assert whole.execute("select count(*), count(distinct order_id) from warehouse.marts.fct_orders").fetchone() == (
        2_015,
        2_015,
    )


@pytest.mark.long
def test_the_shops_own_revenue_counts_reloads_again(whole: duckdb.DuckDBPyConnection) -> None:
    """189,977.27 and 136,614.07 itemised by session, to the cent.

    In a session with one purchase hit both agree. Where the purchase page was loaded again the shop's
    session total adds each repeat, less whole dollars in some sessions (the repeat's shipping).
    """
    whole.execute(
        """
        create or replace temp table itemised as
        with hits as (
            select session_id, order_id, event_time, hit_number, max(order_revenue) as revenue
            from source_hits where event_type = 'purchase' group by all
        ),
        repeated as (
            select session_id, (sum(revenue) * 100)::decimal(18, 0)::bigint as hits_minor, count(revenue) as valued_hits
            from hits group by session_id
        ),
        ours as (
            select distinct hits.session_id, orders.order_id, orders.revenue_minor
            from hits join warehouse.marts.fct_orders as orders using (order_id)
        ),
        ours_by_session as (select session_id, sum(revenue_minor)::bigint as ours_minor from ours group by 1),
        theirs as (
            select session_id, min(visit_date_local) as day,
                (sum(revenue) * 100)::decimal(18, 0)::bigint as theirs_minor
            from source_sessions where transactions > 0 group by 1
        )
        select session_id, month(day) as month, valued_hits, theirs_minor, ours_minor,
            hits_minor - ours_minor as repeats_minor, hits_minor - theirs_minor as left_out_minor
        from theirs full join repeated using (session_id) full join ours_by_session using (session_id)
        """
    )
    totals = whole.execute(
        """
        select month, sum(theirs_minor)::bigint, sum(ours_minor)::bigint, sum(repeats_minor)::bigint,
            sum(left_out_minor)::bigint
        from itemised group by month order by month
        """
    ).fetchall()
    assert totals == [(8, 18_997_727, 16_476_033, 2_567_694, 46_000), (9, 13_661_407, 13_230_294, 445_313, 14_200)]
    for _, theirs, ours, repeats, left_out in totals:
        assert theirs - ours == repeats - left_out
    # every cent of it lies in sessions that loaded the purchase page again, and nowhere else
    assert whole.execute(
        """
        select count(*) from itemised
        where (repeats_minor <> 0 or left_out_minor <> 0) and valued_hits < 2
            or valued_hits >= 2 and repeats_minor <= 0
            or left_out_minor < 0 or left_out_minor % 100 <> 0
        """
    ).fetchone() == (0,)


@pytest.mark.long
def test_sessions_differ_from_the_shops_own_by_named_causes(whole: duckdb.DuckDBPyConnection) -> None:
    """74,759 and 71,032 of the shop's sessions against ours: each boundary that only one side draws has a cause."""
    whole.execute(
        """
        create or replace temp table hits as
        with pieces as (
            select row_number() over (order by session_id, visit_date_local, start_time) as piece, session_id,
                visit_date_local::date as day, row(source, medium, campaign) as campaign
            from source_sessions
        ),
        ours as (
            select events.device_id, events.event_ts, events.event_id, events.event_date, events.source_session_id,
                sessions.session_id
            from warehouse.intermediate.int_events as events
            join warehouse.intermediate.int_session_days as members using (shop_id, visitor_id, event_date)
            join warehouse.marts.fct_sessions as sessions using (shop_id, visitor_id, session_start_ts)
            where events.is_event_head and events.event_ts between members.first_event_ts and members.last_event_ts
        ),
        -- a source session that spans midnight has a row for each day: a hit is in its own day's
        placed as (
            select ours.*, pieces.piece, pieces.day, pieces.campaign
            from ours join pieces on pieces.session_id = ours.source_session_id
            qualify row_number() over (
                partition by ours.event_id, ours.event_date order by pieces.day = ours.event_date desc, pieces.day desc
            ) = 1
        )
        select *, lag(piece) over device as last_piece, lag(session_id) over device as last_session,
            lag(campaign) over device as last_campaign, lag(event_date) over device as last_date,
            event_ts - lag(event_ts) over device as gap
        from placed
        window device as (partition by device_id order by event_ts, source_session_id, event_id)
        """
    )
    causes = whole.execute(
        """
        select month(day) as month,
            case
                when session_id <> last_session then 'gap over 30 minutes inside one of theirs'
                when event_date <> last_date then 'midnight'
                when campaign is distinct from last_campaign then 'campaign change'
                else 'came again by the same campaign'
            end as cause,
            sum(case when session_id <> last_session then -1 else 1 end)::bigint as sessions
        from hits
        where last_piece is not null and (piece <> last_piece) <> (session_id <> last_session)
        group by all
        union all
        select month(visit_date_local), 'no page hit', count(*)
        from source_sessions where session_id not in (select source_session_id from hits) group by all
        order by all
        """
    ).fetchall()
    found = {month: {cause: sessions for m, cause, sessions in causes if m == month} for month in (8, 9)}
    assert found == {
        8: {
            "midnight": 84,
            "campaign change": 750,
            "came again by the same campaign": 172,
            "gap over 30 minutes inside one of theirs": -1,
            "no page hit": 14,
        },
        9: {
            "midnight": 88,
            "campaign change": 596,
            "came again by the same campaign": 256,
            "gap over 30 minutes inside one of theirs": -1,
            "no page hit": 3,
        },
    }
    for month, theirs in ((8, 74_759), (9, 71_032)):
        ours = whole.execute(
            "select count(*) from warehouse.marts.fct_sessions where month(session_date) = ?", [month]
        ).fetchone()[0]
        assert theirs - ours == sum(found[month].values())
        assert abs(theirs - ours) < 0.02 * theirs


@pytest.mark.long
def test_impossible_quantities_are_quarantined(months: Warehouse) -> None:
    entries = {entry.source: entry for entry in read_ledger(months.lake)}
    events = entries["ga_merch_events"]
    assert (events.rows_read, events.rows_quarantined, events.rows_duplicate) == (316_744, 2, 388)
    assert entries["ga_merch_page_hits"].rows_read == entries["ga_merch_page_hits"].rows_accepted == 689_738
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select reason_code, raw_text from read_parquet(?) where reason_code is not null order by source_row",
            [months.lake.glob("quarantine", SHOP.shop_id)],
        ).fetchall()
    assert [code for code, _ in rows] == ["out_of_range", "out_of_range"]
    assert "1e16" in rows[0][1] or "1e+16" in rows[0][1] or "10000000000000000" in rows[0][1]

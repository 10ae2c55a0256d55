"""Google Merchandise Store: channels, countries and the funnel beside the shop's own sessions, each difference named.

The hit logs name channel and country with product hits only (views, carts, check-outs, purchases), not with page
views. So most of our sessions have none, and what can be compared are the shop's sessions with a product hit.
Of these, ours are fewer where a visitor came back within 30 minutes: the shop begins a session anew at every
campaign, we do not, and the whole is of the first channel.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pandas as pd
import pytest

from tests.properties.warehouse import Warehouse
from tests.real.google_merchandise import FILES, land, open_beside
from tests.real.public_data import public_file

pytestmark = [pytest.mark.real, pytest.mark.long]

#: Of each product hit: the shop's session, ours, and whether it is the first hit of either.
PRODUCT_HITS = """
    create or replace temp table theirs as
    select session_id as their_id, min(channel) as channel, max(country) as country,
        coalesce(sum(transactions), 0)::bigint as transactions
    from source_sessions group by 1;

    create or replace temp table product_hits as
    select events.source_session_id as their_id, sessions.session_id as our_id, events.event_name, events.order_id,
        events.event_ts, events.event_date, members.session_date,
        row_number() over (partition by their_id order by events.event_ts, events.event_id) = 1 as begins_theirs,
        row_number() over (partition by our_id order by events.event_ts, events.event_id) = 1 as begins_ours,
        first_value(their_id) over (partition by our_id order by events.event_ts, events.event_id) as first_of_ours
    from warehouse.intermediate.int_events as events
    join warehouse.intermediate.int_session_days as members using (shop_id, visitor_id, event_date)
    join warehouse.marts.fct_sessions as sessions using (shop_id, visitor_id, session_start_ts)
    where events.event_ts between members.first_event_ts and members.last_event_ts
    and events.is_event_head and events.event_name <> 'page_view'
"""


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    warehouse = Warehouse(tmp_path_factory.mktemp("merch"), threads=2)
    land(warehouse, [(mapping, public_file(name)) for mapping, name in FILES.items()])
    warehouse.build()
    with open_beside(warehouse) as connection:
        connection.execute(PRODUCT_HITS)
        yield connection


def _sessions_by(beside: duckdb.DuckDBPyConnection, part: str) -> dict[str, tuple[int, ...]]:
    """Value -> the shop's sessions, those without a product hit, joined to one of ours of equal and of another
    value, ours."""
    rows = beside.execute(
        f"""
        with source as (
            select {part} as part, count(*) as theirs,
                count(case when their_id not in (select their_id from product_hits) then 1 end) as without_product_hit
            from theirs group by 1
        ),
        joined as (
            select theirs.{part} as part, count(case when firsts.{part} = theirs.{part} then 1 end) as to_the_same,
                count(case when firsts.{part} <> theirs.{part} then 1 end) as to_another
            from product_hits
            join theirs using (their_id)
            join theirs as firsts on firsts.their_id = product_hits.first_of_ours
            where begins_theirs and not begins_ours group by 1
        ),
        ours as (select {part} as part, count(*) as ours from warehouse.marts.fct_sessions group by 1)
        select part, theirs, without_product_hit, coalesce(to_the_same, 0), coalesce(to_another, 0), coalesce(ours, 0)
        from source left join joined using (part) left join ours using (part) order by theirs desc
        """
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


def test_sessions_by_channel(beside: duckdb.DuckDBPyConnection) -> None:
    found = _sessions_by(beside, "channel")
    assert found == {
        "Social": (50_084, 49_054, 3, 21, 1_006),
        "Organic Search": (49_700, 37_483, 8, 52, 12_157),
        "Direct": (21_405, 16_112, 0, 0, 5_293),
        "Referral": (17_257, 10_415, 22, 132, 6_688),
        "Affiliates": (3_255, 2_631, 0, 2, 622),
        "Paid Search": (3_051, 2_114, 10, 6, 921),
        "Display": (865, 618, 2, 7, 238),
        "(Other)": (5, 5, 0, 0, 0),
    }
    for theirs, without, same, another, ours in found.values():
        assert theirs - without - same - another == ours
    # the shop's channel groups are the ones of our seed, by another word for social ones
    groups = beside.execute(
        "select distinct channel, channel_group from warehouse.marts.fct_sessions where channel is not null"
    ).fetchall()
    assert dict(groups) == {name: name for name in found if name not in ("(Other)", "Social")} | {
        "Social": "Organic Social"
    }


def test_sessions_by_country(beside: duckdb.DuckDBPyConnection) -> None:
    """Of 197 values all agree but the unknown one: what the shop calls "(not set)" is no country in our sessions."""
    found = _sessions_by(beside, "country")
    assert len(found) == 197
    assert found["United States"] == (59_306, 40_320, 216, 0, 18_770)
    assert found["India"] == (6_493, 5_786, 6, 0, 701)
    off = {
        country: theirs - without - same - another - ours
        for country, (theirs, without, same, another, ours) in found.items()
        if theirs - without - same - another != ours
    }
    assert off == {"(not set)": 35}


def _orders_by(beside: duckdb.DuckDBPyConnection, part: str) -> dict[str, tuple[int, ...]]:
    """Value -> the shop's transactions, its different orders, those in one of our sessions of another value, those
    of another value in one of ours, our orders."""
    rows = beside.execute(
        f"""
        with placed as (
            select orders.order_id, coalesce(sessions.{part}, '(not set)') as our_part
            from warehouse.marts.fct_orders as orders
            join warehouse.marts.fct_sessions as sessions using (shop_id, session_id)
        ),
        bought as (
            select distinct theirs.{part} as part, placed.order_id, placed.our_part
            from product_hits join theirs using (their_id) join placed using (order_id)
            where product_hits.event_name = 'purchase'
        ),
        source as (select {part} as part, sum(transactions)::bigint as transactions from theirs group by 1),
        orders as (
            select part, count(*) as orders, count(case when our_part <> part then 1 end) as moved_away
            from bought group by 1
        ),
        come as (select our_part as part, count(*) as moved_here from bought where our_part <> part group by 1),
        ours as (select our_part as part, count(*) as ours from placed group by 1)
        select part, transactions, coalesce(orders, 0), coalesce(moved_away, 0), coalesce(moved_here, 0),
            coalesce(ours, 0)
        from source left join orders using (part) left join come using (part) left join ours using (part)
        where transactions > 0 or ours > 0
        """
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


def test_orders_by_channel(beside: duckdb.DuckDBPyConnection) -> None:
    """The shop counts an order again for each reload of its page, we count it once, for the channel of our session."""
    found = _orders_by(beside, "channel")
    assert found == {
        "Referral": (1_026, 988, 41, 2, 949),
        "Organic Search": (634, 579, 5, 20, 594),
        "Direct": (367, 342, 0, 16, 358),
        "Paid Search": (65, 64, 1, 7, 70),
        "Display": (26, 25, 0, 3, 28),
        "Social": (25, 15, 1, 0, 14),
        "Affiliates": (2, 2, 0, 0, 2),
    }
    assert all(orders - away + here == ours for _, orders, away, here, ours in found.values())


def test_orders_by_country(beside: duckdb.DuckDBPyConnection) -> None:
    """All of them where the shop has them, each once: not 2,145 times with every reload of the page, but 2,015."""
    found = _orders_by(beside, "country")
    assert all(away == here == 0 and orders == ours for _, orders, away, here, ours in found.values())
    assert len(found) == 30
    assert {country: found[country] for country in ("United States", "Venezuela", "Canada", "(not set)")} == {
        "United States": (1_973, 1_889, 0, 0, 1_889),
        "Venezuela": (101, 55, 0, 0, 55),
        "Canada": (25, 25, 0, 0, 25),
        "(not set)": (4, 4, 0, 0, 4),
    }


def _passed(hits: pd.DataFrame, session: str) -> dict[str, set[str]]:
    """Step -> sessions that came so far, each step at or after the one before; by pandas alone."""
    times = {
        step: hits[hits["event_name"] == name].set_index(session)["event_ts"]
        for step, name in {
            "views": "view_item",
            "carts": "add_to_cart",
            "checkouts": "begin_checkout",
            "purchases": "purchase",
        }.items()
    }
    viewed = times["views"].groupby(level=0).min().rename("viewed")
    carts = times["carts"].to_frame("at").join(viewed, how="inner")
    carted = carts[carts["at"] >= carts["viewed"]].groupby(level=0)["at"].min().rename("carted")
    passed = {"views": set(viewed.index), "carts": set(carted.index)}
    for step in ("checkouts", "purchases"):
        later = times[step].to_frame("at").join(carted, how="inner")
        passed[step] = set(later[later["at"] >= later["carted"]].index)
    passed["checkouts"] |= passed["purchases"]
    return passed


def test_funnel_of_sessions(beside: duckdb.DuckDBPyConnection) -> None:
    """By our sessions it is the one of pandas; by the shop's own, every difference lies in a visit cut in pieces."""
    hits = beside.execute(
        "select product_hits.* from product_hits join warehouse.marts.fct_sessions as sessions "
        "on sessions.session_id = our_id where not sessions.is_bot"
    ).df()
    rows = beside.execute(
        "select sum(views)::bigint, sum(carts)::bigint, sum(checkouts)::bigint, sum(purchases)::bigint "
        "from warehouse.marts.agg_funnel_daily where unit = 'session' and dimension = 'all'"
    ).fetchall()
    by_ours, by_theirs = _passed(hits, "our_id"), _passed(hits, "their_id")
    assert rows == [tuple(len(sessions) for sessions in by_ours.values())] == [(26_365, 9_426, 3_348, 1_849)]
    assert [len(sessions) for sessions in by_theirs.values()] == [26_572, 9_475, 3_322, 1_820]

    pieces = hits.groupby("our_id")["their_id"].nunique()
    cut = set(pieces[pieces > 1].index)
    ours_of = hits.groupby("their_id")["our_id"].first()
    for step, theirs in by_theirs.items():
        assert {ours_of[session] for session in theirs} - cut == by_ours[step] - cut

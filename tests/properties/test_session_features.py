"""Features of sessions at their fifth event: right by hand, blind to what comes after it, the same in any order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.shops import Shop
from tests.properties.session_start_cases import (
    FIRST_DAY,
    LAST_DAY,
    Event,
    Sessions,
    by_hand,
    day,
    future_added,
    future_removed,
    future_shuffled,
    random_sessions,
)
from tests.properties.warehouse import Warehouse, assert_same_export

MODELS = ("+feat_session_starts", "+fct_sessions")
PASTS = {f"shop{seed}": random_sessions(seed) for seed in range(3)}
ACTUAL = "actual"
#: Each future of a past is a shop of its own, so that one home holds them all.
FUTURES: dict[str, Callable[[Sessions], Sessions]] = {
    "removed": future_removed,
    "shuffled": future_shuffled,
    "added": future_added,
}
#: The check: all columns but the shop, its hash and the label, of sessions that had begun.
FEATURES = (
    "select * exclude (shop_id, session_id, purchased_later) from features.feat_session_starts "
    f"where session_date <= date '{LAST_DAY}' and shop_id = '%s' order by all"
)


def _land(warehouse: Warehouse, shop: str, sessions: Sessions) -> None:
    """Some events arrive a day late; what counts is the day they are dated."""
    by_arrival: dict[date, list[Event]] = {}
    for event in (event for of_visitor in sessions.values() for session in of_visitor for event in session):
        arrival = day(event) + timedelta(days=len(str(event["event_id"])) % 2)
        by_arrival.setdefault(arrival, []).append(event)
    for arrival, arrived in by_arrival.items():
        warehouse.land_events(Shop(shop, "Asia/Shanghai", "CNY"), arrival, arrived)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """What happened, all of it, and the same first events with other futures."""
    warehouse = Warehouse(tmp_path_factory.mktemp("shops"))
    for past, sessions in PASTS.items():
        _land(warehouse, f"{past}-{ACTUAL}", sessions)
        for future, changed in FUTURES.items():
            _land(warehouse, f"{past}-{future}", changed(sessions))
    warehouse.build(select=MODELS)
    return warehouse


def _assert_as_counted(warehouse: Warehouse, shop: str, sessions: Sessions) -> None:
    expected = by_hand(sessions)
    assert len(expected) > 20
    columns = ["visitor_id", "at_event_ts", *next(iter(expected.values()))]
    rows = warehouse.rows(f"select {', '.join(columns)} from features.feat_session_starts where shop_id = '{shop}'")
    found = {}
    for visitor, at, *values in rows:
        stamp = datetime.fromisoformat(f"{at}+00:00")
        found[visitor, stamp] = dict(zip(columns[2:], values, strict=True))
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert found[key] == row, key


@pytest.mark.parametrize("past", PASTS)
def test_features_are_those_counted_by_hand(shops: Warehouse, past: str) -> None:
    _assert_as_counted(shops, f"{past}-{ACTUAL}", PASTS[past])


@pytest.mark.parametrize("future", FUTURES)
@pytest.mark.parametrize("past", PASTS)
def test_no_feature_knows_what_comes_after_the_fifth_event(shops: Warehouse, past: str, future: str) -> None:
    rows = shops.rows(FEATURES % f"{past}-{ACTUAL}")
    assert sum(row[0] == LAST_DAY for row in rows) > 5
    assert rows == shops.rows(FEATURES % f"{past}-{future}")


@pytest.mark.parametrize("future", FUTURES)
def test_the_label_knows_it(shops: Warehouse, future: str) -> None:
    for past, sessions in PASTS.items():
        _assert_as_counted(shops, f"{past}-{future}", FUTURES[future](sessions))
    of_last_day = f"from features.feat_session_starts where session_date = date '{LAST_DAY}'"
    labels = shops.rows(f"select distinct purchased_later {of_last_day} and shop_id like '%-{future}' order by 1")
    assert labels == {"removed": [(False,)], "shuffled": [(False,), (True,)], "added": [(True,)]}[future]


#: Features as one might write them, which know the whole session.
PLANTED = {
    "customer of the whole session": "customer_id",
    "device of the whole session": "device",
    "channel of the whole session": "channel_group",
    "searches of the whole session": "searches",
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_the_check_catches_a_planted_leak(shops: Warehouse, mistake: str) -> None:
    query = (
        f"select starts.visitor_id, starts.at_event_ts, sessions.{PLANTED[mistake]} "
        "from features.feat_session_starts as starts join marts.fct_sessions as sessions using (shop_id, session_id) "
        f"where starts.session_date <= date '{LAST_DAY}' and shop_id = '%s' order by all"
    )
    actual = shops.rows(query % f"shop0-{ACTUAL}")
    assert any(actual != shops.rows(query % f"shop0-{future}") for future in FUTURES)


def _visit(shop_day: date) -> list[Event]:
    """Six events of one visitor, a minute apart."""
    start = datetime.fromisoformat(f"{shop_day}T10:00:00+08:00")
    return [
        {
            "event_id": f"{shop_day}-{number}",
            "event_name": "add_to_cart",
            "event_ts": (start + timedelta(minutes=number)).isoformat(),
            "device_id": "d1",
        }
        for number in range(6)
    ]


def test_a_day_that_arrives_last_is_the_past_of_thirty_days(tmp_path: Path) -> None:
    """The first day arrives after two sessions that look back on it, 30 and 31 days later; of the second of these the
    first five events arrive last of all."""
    shop = Shop("late", "Asia/Shanghai", "CNY")
    first, later, latest = (FIRST_DAY + timedelta(days=offset) for offset in (0, 30, 31))
    delayed = latest + timedelta(days=3)
    arrivals = {later: _visit(later), latest: _visit(latest)[5:], first: _visit(first), delayed: _visit(latest)[:5]}
    backwards, whole = Warehouse(tmp_path / "backwards"), Warehouse(tmp_path / "whole")
    seen = []
    for step in ((later, latest), (first,), (delayed,)):
        for arrival in step:
            backwards.land_events(shop, arrival, arrivals[arrival])
            whole.land_events(shop, arrival, arrivals[arrival])
        backwards.build(step[0], step[-1], select=MODELS)
        seen.append(backwards.rows("select session_date, past_cart_adds from features.feat_session_starts order by 1"))
    assert seen == [[(later, 0)], [(first, 0), (later, 6)], [(first, 0), (later, 6), (latest, 6)]]
    whole.build(select=MODELS)
    assert_same_export(backwards.export(), whole.export())

"""Who is who, and who is nobody: late log-ins, shared devices, decisions of people, programs among visitors."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ingestion.identity_overrides import decide_identity
from ingestion.shops import Shop
from tests.properties.warehouse import Warehouse, assert_same_export

DAY = date(2026, 3, 10)
SHOP = Shop("shop", "Asia/Shanghai", "CNY")
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/121.0 Safari/537.36"


def event(ts: str, device: str | None, name: str = "page_view", **more: object) -> dict[str, object]:
    """An event at a local time `DD HH:MM:SS` of March 2026; its id is its time and device."""
    day, clock = ts.split(" ")
    at = f"2026-03-{day}T{clock}+08:00"
    return {"event_id": f"{at} {device} {name}", "event_name": name, "event_ts": at, "device_id": device, **more}


def merged(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return warehouse.rows("select anonymous_id, customer_id, rule from marts.dim_identities where is_merged order by 1")


LOGS = {
    10: [event("10 10:00:00", "own"), event("10 10:00:00", "till"), event("10 10:00:00", "family")],
    12: [
        event("12 10:00:00", "own", "login", customer_id="ann"),
        event("12 10:00:00", "family", "login", customer_id="bob"),
        event("12 11:00:00", "family", customer_id="bob"),
        *(event(f"12 {hour}:00:00", "till", "login", customer_id=f"c{hour}") for hour in range(10, 16)),
    ],
    14: [event("13 09:00:00", "family", "login", customer_id="cat")],
}


@pytest.fixture
def logged(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "days")
    for day, events in LOGS.items():
        warehouse.land_events(SHOP, DAY.replace(day=day), events)
        warehouse.build(DAY.replace(day=day))
    return warehouse


def whole(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "whole")
    for day, events in LOGS.items():
        warehouse.land_events(SHOP, DAY.replace(day=day), events)
    return warehouse


def test_a_late_log_in_claims_the_device_and_many_log_ins_claim_nothing(logged: Warehouse, tmp_path: Path) -> None:
    assert merged(logged) == [("own", "ann", "only_customer")]
    shared = logged.rows(
        "select anonymous_id, count(*), bool_and(is_shared_device) from marts.dim_identities "
        "where rule = 'shared_device' group by 1 order by 1"
    )
    assert shared == [("family", 2, True), ("till", 6, True)]
    full = whole(tmp_path)
    full.build()
    assert_same_export(logged.export(), full.export())


def test_decisions_undo_and_make_merges_also_in_a_full_refresh(logged: Warehouse, tmp_path: Path) -> None:
    full = whole(tmp_path)
    for warehouse in (logged, full):
        for number, (device, customer, action) in enumerate(
            [
                ("own", "ann", "separate"),
                ("family", "cat", "separate"),
                ("till", "c12", "join"),
                ("never seen", "ann", "join"),
                ("till", "c13", "separate"),
            ]
        ):
            at = datetime(2026, 4, 1, number, tzinfo=UTC)
            decide_identity(warehouse.lake, "shop", device, customer, action, "ann", "because", at)  # type: ignore[arg-type]
    logged.build(DAY.replace(day=14))
    full.build()
    assert_same_export(logged.export(), full.export())
    assert merged(logged) == [
        ("family", "bob", "only_customer"),
        ("never seen", "ann", "joined"),
        ("till", "c12", "joined"),
    ]
    assert logged.rows("select rule from marts.dim_identities where anonymous_id = 'own'") == [("separated",)]
    # the newest decision on a pair counts, so an undoing can be undone
    decide_identity(logged.lake, "shop", "own", "ann", "join", "ann", "no", datetime(2026, 4, 2, tzinfo=UTC))
    logged.build(DAY.replace(day=14))
    assert ("own", "ann", "joined") in merged(logged)
    # a spreadsheet turned the columns round, left a blank row, and the undoing was in truth hours earlier
    file = logged.lake.identity_overrides_file
    with file.open(newline="") as handle:
        turned = [row[::-1] for row in csv.reader(handle)]
    turned[-1][2] = "2026-04-01T05:00:00+08:00"
    with file.open("w", newline="", encoding="utf-8-sig") as handle:
        csv.writer(handle).writerows([turned[0], [""] * 7, *turned[1:]])
    logged.build(DAY.replace(day=14), select=["stg_identity_overrides", "dim_identities"])
    assert logged.rows("select rule from marts.dim_identities where anonymous_id = 'own'") == [("separated",)]
    assert ("till", "c12", "joined") in merged(logged)


def test_two_customers_are_merged_to_the_main_one_where_the_shop_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_MAX_CUSTOMERS_PER_DEVICE", "2")
    warehouse = whole(tmp_path)
    warehouse.build()
    assert merged(warehouse) == [("family", "bob", "main_customer"), ("own", "ann", "only_customer")]


def _burst(device: str, start: str, events: int, seconds: int) -> list[dict[str, object]]:
    hour, minute = (int(part) for part in start.split(":"))
    made = []
    for number in range(events):
        at = hour * 3600 + minute * 60 + number * seconds
        made.append(event(f"{10 + at // 86400} {at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d}", device))
    return made


def test_each_rule_finds_its_program_and_people_are_left_alone(tmp_path: Path) -> None:
    page = {"page_url": "https://shop.example/", "user_agent": AGENT}
    crawler = "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://example.com/bot.html)"
    events = [
        {**event("10 10:00:00", "crawler"), **page, "user_agent": crawler},
        {**event("10 10:00:00", "phone"), **page, "user_agent": "Mozilla/5.0 (Linux; Android 12; CUBOT X50) Chrome/99"},
        # the shop's own server tells of a sale: a program's name, and no page
        {
            **event("10 10:00:00", "buyer", "purchase", order_id="o1", value=10, item_id="i1", price=10, quantity=1),
            "user_agent": "python-requests/2.32",
        },
        *_burst("scraper", "09:00", 80, 1),
        *_burst("reader", "09:00", 80, 20),
        *_burst("monitor", "00:10", 150, 600),
        *(event(f"10 {hour:02d}:30:00", "round the clock") for hour in range(21)),
        *({**event("10 12:00:00", f"one hit {number}"), **page, "user_agent": "Old/1.0"} for number in range(60)),
        *({**event("10 12:00:00", f"guest {number}"), **page} for number in range(60)),
        *({**event("10 12:01:00", f"guest {number}"), **page} for number in range(12)),
    ]
    warehouse = Warehouse(tmp_path)
    warehouse.land_events(SHOP, DAY, [one for one in events if str(one["event_ts"]) < "2026-03-11"])
    warehouse.land_events(SHOP, DAY.replace(day=11), [one for one in events if str(one["event_ts"]) >= "2026-03-11"])
    warehouse.build()
    found = dict(
        warehouse.rows(
            "select regexp_replace(visitor_id, ' [0-9]+$', ''), "
            "string_agg(distinct bot_reason, ',' order by bot_reason) from marts.agg_user_daily group by 1"
        )
    )
    assert found == {
        "crawler": "user_agent", "phone": None, "buyer": None, "scraper": "event_rate", "reader": None,
        "monitor": "session_cap", "round the clock": "round_the_clock",
        "one hit": "one_hit_swarm", "guest": None,
    }  # fmt: skip
    # a session that shows a program speaks for every day it touches
    assert warehouse.rows(
        "select event_date, is_bot from marts.agg_user_daily where visitor_id = 'monitor' order by 1"
    ) == [
        (DAY, True),
        (DAY.replace(day=11), True),
    ]
    # flagged, not dropped: every visitor is there, and the day's figures count people alone
    assert warehouse.rows(
        "select visitors, bot_visitors, sessions, bot_sessions from marts.agg_kpis_daily where kpi_date = '2026-03-10'"
    ) == [(63, 64, 63, 84)]


def test_a_late_burst_turns_the_whole_day_of_its_visitor(tmp_path: Path) -> None:
    """What was taken for a person yesterday is found out by events that arrive today, and in any order."""
    calm, burst = [event("10 08:00:00", "d1"), event("10 20:00:00", "d2")], _burst("d1", "12:00", 70, 1)
    stepwise, full = Warehouse(tmp_path / "steps"), Warehouse(tmp_path / "full")
    for warehouse in (stepwise, full):
        warehouse.land_events(SHOP, DAY, calm)
    stepwise.build(DAY)
    assert stepwise.rows("select bool_or(is_bot) from marts.fct_sessions") == [(False,)]
    for warehouse in (stepwise, full):
        warehouse.land_events(SHOP, DAY.replace(day=12), burst)
    stepwise.build(DAY.replace(day=12))
    full.build()
    assert_same_export(stepwise.export(), full.export())
    flags = (
        "select visitor_id, count(*), bool_and(is_bot), bool_or(is_bot) from marts.fct_sessions group by 1 order by 1"
    )
    assert stepwise.rows(flags) == [("d1", 2, True, True), ("d2", 1, False, False)]

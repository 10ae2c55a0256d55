"""Who is who, and who is nobody: late log-ins, shared devices, decisions of people, programs among visitors."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path

import pytest

from tests.properties.histories import DAY_BY_DAY, Histories
from tests.properties.identity_cases import CASES, LOGS, burst, event, shop_of
from tests.properties.warehouse import Warehouse, assert_same_export

DAY = date(2026, 3, 10)
SHOP = shop_of("shop")
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/121.0 Safari/537.36"


def merged(warehouse: Warehouse, shop: str) -> list[tuple[object, ...]]:
    return warehouse.rows(
        "select anonymous_id, customer_id, rule from marts.dim_identities "
        f"where is_merged and shop_id = '{shop}' order by 1"
    )


@pytest.mark.parametrize("case", CASES)
def test_any_order_of_arrival_ends_in_the_same_bytes(case: str, march: Histories, march_order: str) -> None:
    """Of log-ins, of decisions, and of the events that show a program."""
    assert march.expected["int_events", case]
    assert_same_export(march.export(march_order), march.expected, case)


def test_a_late_log_in_claims_the_device_and_many_log_ins_claim_nothing(march: Histories) -> None:
    logged = march.ended(DAY_BY_DAY)
    assert merged(logged, "logged_in") == [("own", "ann", "only_customer")]
    shared = logged.rows(
        "select anonymous_id, count(*), bool_and(is_shared_device) from marts.dim_identities "
        "where rule = 'shared_device' and shop_id = 'logged_in' group by 1 order by 1"
    )
    assert shared == [("family", 2, True), ("till", 6, True)]


def test_decisions_undo_and_make_merges_also_in_a_full_refresh(march: Histories) -> None:
    for warehouse in (march.ended(DAY_BY_DAY), march.whole):
        assert merged(warehouse, "decided") == [
            ("family", "bob", "only_customer"),
            ("never seen", "ann", "joined"),
            ("till", "c12", "joined"),
        ]
        rule = "select rule from marts.dim_identities where anonymous_id = 'own' and shop_id = 'decided'"
        assert warehouse.rows(rule) == [("separated",)]
    assert march.seen(DAY_BY_DAY, "merges undone and made again") == [
        [("only_customer",)], [("separated",)], [("joined",)],
    ]  # fmt: skip
    assert ("own", "ann", "joined") in merged(march.ended(DAY_BY_DAY), "decided_again")


def test_decisions_that_a_spreadsheet_turned_round_are_read_the_same(march: Histories, tmp_path: Path) -> None:
    """Columns in another order, a blank row, and an undoing that was in truth some hours earlier."""
    turned = Warehouse(tmp_path / "turned")
    shutil.copytree(march.ended(DAY_BY_DAY).home, turned.home, dirs_exist_ok=True)
    file = turned.lake.identity_overrides_file
    with file.open(newline="") as handle:
        header, *rows = [row[::-1] for row in csv.reader(handle)]
    [undone] = [row for row in rows if row[-1] == "decided_again" and row[3:6] == ["join", "ann", "own"]]
    undone[2] = "2026-04-20T05:00:00+08:00"
    with file.open("w", newline="", encoding="utf-8-sig") as handle:
        csv.writer(handle).writerows([header, [""] * 7, *rows])
    turned.build(date(2026, 3, 28), select=["stg_identity_overrides", "dim_identities"])
    rule = "select rule from marts.dim_identities where anonymous_id = 'own' and shop_id = 'decided_again'"
    assert turned.rows(rule) == [("separated",)]
    assert ("till", "c12", "joined") in merged(turned, "decided_again")


def test_two_customers_are_merged_to_the_main_one_where_the_shop_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_MAX_CUSTOMERS_PER_DEVICE", "2")
    warehouse = Warehouse(tmp_path)
    for day, events in LOGS.items():
        warehouse.land_events(SHOP, DAY.replace(day=day), events)
    warehouse.build(select=["+dim_identities"])
    assert merged(warehouse, "shop") == [("family", "bob", "main_customer"), ("own", "ann", "only_customer")]


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
        *burst("scraper", "09:00", 80, 1),
        *burst("reader", "09:00", 80, 20),
        *burst("monitor", "00:10", 150, 600),
        *(event(f"10 {hour:02d}:30:00", "round the clock") for hour in range(21)),
        *({**event("10 12:00:00", f"one hit {number}"), **page, "user_agent": "Old/1.0"} for number in range(60)),
        *({**event("10 12:00:00", f"guest {number}"), **page} for number in range(60)),
        *({**event("10 12:01:00", f"guest {number}"), **page} for number in range(12)),
    ]
    warehouse = Warehouse(tmp_path)
    warehouse.land_events(SHOP, DAY, [one for one in events if str(one["event_ts"]) < "2026-03-11"])
    warehouse.land_events(SHOP, DAY.replace(day=11), [one for one in events if str(one["event_ts"]) >= "2026-03-11"])
    warehouse.build(select=["+agg_user_daily", "+agg_kpis_daily"])
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


def test_a_late_burst_turns_the_whole_day_of_its_visitor(march: Histories) -> None:
    """What was taken for a person yesterday is found out by events that arrive today, and in any order."""
    assert march.seen(DAY_BY_DAY, "programs of the late burst") == [[(False,)], [(True,)]]
    flags = (
        "select visitor_id, count(*), bool_and(is_bot), bool_or(is_bot) from marts.fct_sessions "
        "where shop_id = 'late_burst' group by 1 order by 1"
    )
    assert march.whole.rows(flags) == [("d1", 2, True, True), ("d2", 1, False, False)]

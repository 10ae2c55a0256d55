"""What campaigns cost: reported again with other amounts, in any order, some of it in another currency."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from ingestion.mapping import parse_mapping
from ingestion.shops import Shop
from tests.properties.attribution_cases import ad, buys, day_of
from tests.properties.warehouse import Warehouse, assert_same_export

SHOP = Shop("shop", "Asia/Shanghai", "CNY")
COLUMNS = ("cost_date", "utm_source", "utm_medium", "utm_campaign", "updated_at", "cost", "currency", "clicks")
MODELS = ("+int_attribution_identities", "+agg_campaigns_daily")
MAPPING = parse_mapping(
    {
        "source": "plain_costs",
        "contract": "campaign_costs",
        "format": {"type": "csv"},
        "columns": {
            name: {"column": name, "time": "iso"} if name in ("cost_date", "updated_at") else name for name in COLUMNS
        },
        "arrival": {"rule": "event_day"},
    },
    "costs",
)

#: day of report -> day, source, campaign, cost, currency, clicks
REPORTS: dict[str, list[tuple[str, str, str, str, str, str]]] = {
    "03-12": [
        ("2026-03-11", "Google", "spring", "30", "CNY", "12"),
        ("2026-03-11", "bing", "spring", "9", "USD", "4"),
        ("2026-03-11", "douyin", "spring", "", "CNY", "7"),
    ],
    "03-14": [("2026-03-11", "Google", "spring", "25", "CNY", "10")],
    "05-20": [("2026-03-11", "weibo", "unseen", "5", "CNY", "")],
}


def _report(warehouse: Warehouse, day: str) -> None:
    file = warehouse.home / "landing" / f"costs-{day}.csv"
    file.parent.mkdir(exist_ok=True)
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for spent_on, source, campaign, *amounts in REPORTS[day]:
            writer.writerow([spent_on, source, "cpc", campaign, f"2026-{day} 02:00:00", *amounts])
    warehouse.land([file], MAPPING, SHOP)


def _warehouse(home: Path, days: Sequence[str], build_each: bool) -> Warehouse:
    warehouse = Warehouse(home)
    visits = [
        ad("03-11 09:00", "d1", "google"), ad("03-11 10:00", "d2", "google"), ad("03-11 11:00", "d3", "bing"),
        buys("03-11 10:05", "d2", 100), buys("03-11 11:05", "d3", 40, "o2"),
    ]  # fmt: skip
    warehouse.land_events(SHOP, date(2026, 3, 11), visits)
    for day in days:
        _report(warehouse, day)
        if build_each:
            warehouse.build(day_of("03-11"), day_of(day), select=MODELS)
    if not build_each:
        warehouse.build(select=MODELS)
    return warehouse


def test_costs_in_any_order_are_those_reported_last(tmp_path: Path) -> None:
    whole = _warehouse(tmp_path / "whole", ["03-12", "03-14", "05-20"], build_each=False)
    backwards = _warehouse(tmp_path / "backwards", ["05-20", "03-14", "03-12"], build_each=True)
    assert_same_export(backwards.export(), whole.export())
    found = whole.rows(
        "select traffic_source, utm_campaign, cost_minor, clicks, costs_in_other_currency, costs_of_unknown_amount, "
        "sessions, orders_last, net_revenue_last_minor, roas_last, cost_per_order_last_minor, cost_per_click_minor "
        "from marts.agg_campaigns_daily order by 1"
    )
    no, one = Decimal(0), Decimal(1)
    assert found == [
        ("bing", "spring", None, 4, 1, 0, 1, one, 4000, None, None, None),
        ("douyin", "spring", None, 7, 0, 1, 0, no, 0, None, None, None),
        ("google", "spring", 2500, 10, 0, 0, 2, one, 10000, one * 4, one * 2500, one * 250),
        ("weibo", "unseen", 500, None, 0, 0, 0, no, 0, no, None, None),
    ]

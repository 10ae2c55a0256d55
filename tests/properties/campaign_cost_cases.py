"""What a campaign's days were reported to cost, again and again: a day's visits, and the reports of 2026."""

from __future__ import annotations

import csv
from datetime import date

from ingestion.mapping import parse_mapping
from ingestion.shops import Shop
from tests.properties.attribution_cases import ad, buys
from tests.properties.histories import Topic
from tests.properties.warehouse import Warehouse

SHOP = Shop("campaign_costs", "Asia/Shanghai", "CNY")
COLUMNS = ("cost_date", "utm_source", "utm_medium", "utm_campaign", "updated_at", "cost", "currency", "clicks")
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
    "03-18": [("2026-03-11", "Google", "spring", "25", "CNY", "10")],
    "05-20": [("2026-03-11", "weibo", "unseen", "5", "CNY", "")],
}

VISITS = [
    ad("03-11 09:00", "d1", "google"), ad("03-11 10:00", "d2", "google"), ad("03-11 11:00", "d3", "bing"),
    buys("03-11 10:05", "d2", 100), buys("03-11 11:05", "d3", 40, "o2"),
]  # fmt: skip


def _land(warehouse: Warehouse, arrival: date) -> None:
    day = f"{arrival:%m-%d}"
    if day == "03-12":
        warehouse.land_events(SHOP, arrival, VISITS)
    if day not in REPORTS:
        return
    file = warehouse.home / "landing" / f"costs-{day}.csv"
    file.parent.mkdir(exist_ok=True)
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for spent_on, source, campaign, *amounts in REPORTS[day]:
            writer.writerow([spent_on, source, "cpc", campaign, f"2026-{day} 02:00:00", *amounts])
    warehouse.land([file], MAPPING, SHOP)


TOPIC = Topic(shops=[SHOP.shop_id], land=_land)

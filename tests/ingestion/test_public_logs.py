"""Shipped mappings of public logs, on small files written by hand in the shape that their publishers give them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from ingestion.lake import Lake
from ingestion.load import ingest_file
from ingestion.mapping import load_mapping
from ingestion.shops import Shop
from tests.ingestion.lake_contents import lake_rows, quarantine_rows

REES46_HEADER = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
SHOES, PHONES = "2053013553945837695", "2053013555631882655"
FIRST, SECOND = "72d76fde-8bb3-4e00-8c23-a032dfed738c", "9333dfbd-b87a-4708-9857-6336556b0fcc"

REES46 = f"""{REES46_HEADER}
2019-10-01 00:00:00 UTC,view,1004775,{PHONES},electronics.smartphone,xiaomi,183.27,535871217,{FIRST}
2019-10-01 00:00:00 UTC,view,1004775,{PHONES},electronics.smartphone,xiaomi,183.27,535871217,{FIRST}
2019-10-01 00:00:09 UTC,view,28719074,{SHOES},,,102.71,520571932,{SECOND}
2019-10-01 00:02:14 UTC,cart,1004775,{PHONES},electronics.smartphone,xiaomi,183.27,535871217,{FIRST}
2019-10-01 00:02:20 UTC,remove_from_cart,1004775,{PHONES},electronics.smartphone,xiaomi,183.27,535871217,{FIRST}
2019-10-01 00:04:37 UTC,purchase,1004856,{PHONES},electronics.smartphone,samsung,130.76,535871217,{FIRST}
2019-10-01 00:04:37 UTC,purchase,1004775,{PHONES},electronics.smartphone,,183.27,535871217,{FIRST}
2019-10-01 00:04:37 UTC,purchase,1004856,{PHONES},electronics.smartphone,samsung,130.76,535871217,{FIRST}
2019-10-01 00:04:38 UTC,purchase,1004856,{PHONES},electronics.smartphone,samsung,130.76,535871217,{FIRST}
2019-10-01 00:04:38 UTC,purchase,1004856,{PHONES},electronics.smartphone,samsung,130.76,520571932,{SECOND}
2019-10-31 23:59:59 UTC,wishlist,1004856,{PHONES},electronics.smartphone,samsung,130.76,520571932,{SECOND}
2019-10-31 23:59:59 UTC,view,1004856,{PHONES},electronics.smartphone,samsung,130.76,,{SECOND}
2019-10-31 23:59:59,view,1004856,{PHONES},electronics.smartphone,samsung,130.76,520571932,{SECOND}
"""

RETAILROCKET = """timestamp,visitorid,event,itemid,transactionid
1433221332117,257597,view,355908,
1433224214164,992329,view,248676,
1433224214164,992329,view,248676,
1433223236124,287857,addtocart,5206,
1433222276276,599528,transaction,356475,4000
1433222276276,599528,transaction,15335,4000
1433222276999,599528,transaction,15335,4000
1433193500981,121688,transaction,15335,11117
1433193500981,121688,transaction,15335,11117
1433193501000,121688,transaction,15336,
1433193502000,121688,wishlist,15336,
"""

ITEM_PROPERTIES = """timestamp,itemid,property,value
1435460400000,460429,categoryid,1338
1435460400000,460429,888,1116713 960601 n277.200
1435460400000,460429,available,0
1441508400000,460429,categoryid,1340
1439089200000,395014,categoryid,1338
1439089200000,395014,790,n552000.000
"""


def _ingest(lake: Lake, tmp_path: Path, text: str, source: str, shop: Shop) -> dict[str, int]:
    """Write and load a file; the counts of its ledger entry, which must add up."""
    path = tmp_path / f"{source}.csv"
    path.write_text(text, encoding="utf-8")
    entry = ingest_file(lake, path, load_mapping(source), shop).entry
    parts = ("rows_accepted", "rows_quarantined", "rows_duplicate", "rows_skipped")
    counts = {name: getattr(entry, name) for name in ("rows_read", *parts)}
    assert counts["rows_read"] == sum(counts[name] for name in parts) == len(text.splitlines()) - 1
    return counts


def _order(lake: Lake, order: str) -> list[tuple[object, ...]]:
    columns = "order_id, event_id, item_index, item_id, item_brand, price, quantity, value, event_name"
    return [row for row in lake_rows(lake, columns) if row[0] == order]


def test_rees46_rows(lake: Lake, tmp_path: Path) -> None:
    counts = _ingest(lake, tmp_path, REES46, "rees46_ecommerce", Shop("multi", "UTC", "USD"))
    assert counts == {
        "rows_read": 13, "rows_accepted": 11, "rows_quarantined": 2, "rows_duplicate": 0, "rows_skipped": 0,
    }  # fmt: skip
    columns = (
        "event_ts, event_name, customer_id, source_session_id, item_id, item_category, item_brand, price, currency"
    )
    rows = lake_rows(lake, columns)
    one = datetime(2019, 10, 1)
    phone = ("electronics/smartphone", "xiaomi", 18327, "USD")
    assert rows[:3] == [
        (one, "view_item", "535871217", FIRST, "1004775", *phone),
        (one, "view_item", "535871217", FIRST, "1004775", *phone),
        # neither brand nor category code: the brand is unknown, the category has at least its number
        (one.replace(second=9), "view_item", "520571932", SECOND, "28719074", SHOES, None, 10271, "USD"),
    ]
    assert [row[1] for row in rows[3:5]] == ["add_to_cart", "remove_from_cart"]
    assert {row[0] for row in lake_rows(lake, "arrival_date")} == {date(2019, 10, 1), date(2019, 10, 31)}
    assert {row[0] for row in lake_rows(lake, "device_id")} == {None}
    # the repeated view is one event with two rows, not two views
    views = lake_rows(lake, "event_id, item_index, item_id, event_name")
    repeated = sorted((index, event) for event, index, item, name in views if (item, name) == ("1004775", "view_item"))
    assert [index for index, _ in repeated] == [0, 1]
    assert len({event for _, event in repeated}) == 1


def test_rees46_orders_are_user_session_and_time(lake: Lake, tmp_path: Path) -> None:
    _ingest(lake, tmp_path, REES46, "rees46_ecommerce", Shop("multi", "UTC", "USD"))
    orders = {row[0] for row in lake_rows(lake, "order_id") if row[0] is not None}
    assert len(orders) == 3
    bought = [_order(lake, str(order)) for order in orders]
    [large] = [rows for rows in bought if len(rows) > 1]
    assert [row[2:] for row in sorted(large, key=lambda row: str(row[2]))] == [
        (0, "1004775", None, 18327, 1, 44479, "purchase"),
        (1, "1004856", "samsung", 13076, 1, 44479, "purchase"),
        (2, "1004856", "samsung", 13076, 1, 44479, "purchase"),
    ]
    assert len({row[1] for row in large}) == 1, "one event"
    assert [row[2:] for rows in bought if len(rows) == 1 for row in rows] == [
        (0, "1004856", "samsung", 13076, 1, 13076, "purchase")
    ] * 2
    assert {row for row in lake_rows(lake, "event_name, order_id IS NULL") if row[0] != "purchase"} == {
        (name, True) for name in ("view_item", "add_to_cart", "remove_from_cart")
    }


def test_rees46_quarantine_says_why(lake: Lake, tmp_path: Path) -> None:
    _ingest(lake, tmp_path, REES46, "rees46_ecommerce", Shop("multi", "UTC", "USD"))
    assert [row[:2] for row in quarantine_rows(lake)] == [(11, "unknown_event_name"), (13, "bad_time")]
    [(_, _, reasons, raw), _] = quarantine_rows(lake)
    assert "wishlist" in str(reasons) and "remove_from_cart" in str(reasons)
    assert "wishlist" in str(raw)
    # nobody's view: kept, but in no visitor's count
    assert [row for row in lake_rows(lake, "customer_id, item_id") if row[0] is None] == [(None, "1004856")]


def test_retailrocket_rows(lake: Lake, tmp_path: Path) -> None:
    counts = _ingest(lake, tmp_path, RETAILROCKET, "retailrocket_events", Shop("rocket", "UTC", "USD"))
    assert counts == {
        "rows_read": 11, "rows_accepted": 7, "rows_quarantined": 2, "rows_duplicate": 2, "rows_skipped": 0,
    }  # fmt: skip
    rows = lake_rows(lake, "event_ts, event_name, device_id, item_id, order_id, item_index")
    moment = datetime.fromtimestamp(1433221332.117, UTC).replace(tzinfo=None)
    assert (moment, "view_item", "257597", "355908", None, 0) in rows
    assert [row[1] for row in rows].count("view_item") == 2
    order = [row for row in rows if row[4] == "4000"]
    assert sorted(str(row[3]) for row in order) == ["15335", "15335", "356475"]
    assert {row[0] for row in order} == {datetime.fromtimestamp(1433222276.276, UTC).replace(tzinfo=None)}
    assert sorted(str(row[5]) for row in order) == ["0", "1", "2"]
    assert len([row for row in rows if row[4] == "11117"]) == 1, "the repeated line is dropped"
    assert lake_rows(lake, "DISTINCT customer_id, value, price") == [(None, None, None)]


def test_retailrocket_quarantine_says_why(lake: Lake, tmp_path: Path) -> None:
    _ingest(lake, tmp_path, RETAILROCKET, "retailrocket_events", Shop("rocket", "UTC", "USD"))
    assert [row[:2] for row in quarantine_rows(lake)] == [(10, "missing_order_id"), (11, "unknown_event_name")]


def test_retailrocket_categories_are_versions_of_products(lake: Lake, tmp_path: Path) -> None:
    shop = Shop("rocket", "UTC", "USD")
    counts = _ingest(lake, tmp_path, ITEM_PROPERTIES, "retailrocket_item_categories", shop)
    assert counts["rows_accepted"] == counts["rows_skipped"] == 3
    assert lake_rows(lake, "item_id, updated_at, item_category", "products") == [
        ("395014", datetime(2015, 8, 9, 3), "1338"),
        ("460429", datetime(2015, 6, 28, 3), "1338"),
        ("460429", datetime(2015, 9, 6, 3), "1340"),
    ]

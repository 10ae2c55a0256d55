"""How rows become events: items, repeats, order totals, content hashes, arrival days."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.lake import Lake
from ingestion.load import ingest_file
from ingestion.mapping_models import SourceMapping
from ingestion.read import SourceFileError
from ingestion.shops import Shop
from tests.ingestion.lake_contents import (
    event,
    event_mapping,
    keyed_mapping,
    lake_rows,
    quarantine_rows,
    write_csv,
    write_jsonl,
)

CONTENT = "event_id, item_index, event_ts, item_id, price, quantity, value, content_hash, arrival_date"


def with_columns(mapping: SourceMapping, **columns: Any) -> dict[str, Any]:
    kept = mapping.model_dump(exclude_none=True, exclude_defaults=True, by_alias=True)["columns"]
    return {**kept, **columns}


def order_rows() -> list[dict[str, str]]:
    """One order of four lines, two of them equal, over two minutes, and an event of its own."""
    line = event(1, name="purchase", order="o1", at="2024-03-01 10:00:00")
    return [
        {**line, "sku": "b", "price": "2.00", "qty": "3", "at": "2024-03-01 10:01:00"},
        {**line, "sku": "a", "price": "1.00", "qty": "1"},
        {**line, "sku": "a", "price": "1.00", "qty": "1"},
        {**line, "sku": "c", "price": "", "qty": "2"},
        event(2, at="2024-03-01 11:00:00", sku=""),
    ]


def test_rows_of_one_key_are_the_items_of_one_event(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    mapping = keyed_mapping("keep", columns=with_columns(event_mapping(), value="items_total"))
    ingest_file(lake, write_csv(tmp_path / "log.csv", order_rows()), mapping, shop)
    found = lake_rows(lake, "event_name, item_index, item_id, price, quantity, value, event_ts")
    ten, eleven = datetime(2024, 3, 1, 10), datetime(2024, 3, 1, 11)
    assert found == [
        ("purchase", 0, "a", 100, 1, 800, ten),
        ("purchase", 1, "a", 100, 1, 800, ten),
        ("purchase", 2, "c", None, 2, 800, ten),
        ("purchase", 3, "b", 200, 3, 800, ten),
        ("view_item", None, None, 999, 1, 999, eleven),
    ]
    assert len(set(lake_rows(lake, "event_id, content_hash"))) == 2


def test_identical_rows_are_dropped_where_the_mapping_says_so(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    mapping = keyed_mapping("drop", columns=with_columns(event_mapping(), value="items_total"))
    result = ingest_file(lake, write_csv(tmp_path / "log.csv", order_rows()), mapping, shop)
    assert (result.entry.rows_accepted, result.entry.rows_duplicate) == (4, 1)
    assert lake_rows(lake, "item_index, item_id, value")[:3] == [(0, "a", 700), (1, "c", 700), (2, "b", 700)]


@pytest.mark.parametrize("identical_rows", ["keep", "drop"])
def test_the_order_of_a_files_rows_does_not_matter(tmp_path: Path, shop: Shop, identical_rows: str) -> None:
    mapping = keyed_mapping(identical_rows, columns=with_columns(event_mapping(), value="items_total"))
    rows = order_rows() + [event(number % 9 + 3, sku=f"s{number % 4}") for number in range(60)]
    found = []
    for attempt in range(3):
        random.Random(attempt).shuffle(rows)
        lake = Lake(tmp_path / f"lake{attempt}")
        ingest_file(lake, write_csv(tmp_path / f"log{attempt}.csv", rows), mapping, shop)
        found.append(lake_rows(lake, CONTENT))
    assert found[0] == found[1] == found[2]


def test_a_total_is_null_when_no_row_has_price_and_quantity(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    mapping = keyed_mapping("keep", columns=with_columns(event_mapping(), value="items_total"))
    rows = [event(1, price=""), event(1, qty="", sku="x"), event(2, price="")]
    ingest_file(lake, write_csv(tmp_path / "log.csv", rows), mapping, shop)
    assert set(lake_rows(lake, "value")) == {(None,)}


def test_a_stated_value_wins_over_the_items_total(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    columns = with_columns(event_mapping(), value={"column": "total", "or": "items_total"})
    mapping = keyed_mapping("keep", columns=columns, format={"type": "jsonl"})
    rows = [
        {**event(1, sku="a"), "total": None},
        {**event(1, sku="b"), "total": "55"},
        {**event(2, sku="a", price="3")},
        {**event(2, sku="b", price="4")},
    ]
    ingest_file(lake, write_jsonl(tmp_path / "log.jsonl", rows), mapping, shop)
    assert [row[0] for row in lake_rows(lake, "value")] == [700, 700, 5500, 5500]


def test_an_order_id_from_columns_only_for_some_events(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    columns = with_columns(event_mapping(), order_id={"hash_of": ["who", "at"], "only_for": ["purchase"]})
    columns["price"] = {"column": "price", "only_for": ["purchase"]}
    mapping = keyed_mapping("keep", columns=columns, event_key_for={"purchase": ["who", "at"]})
    same = {"at": "2024-03-01 10:00:00", "who": "v"}
    rows = [
        event(1, name="purchase", sku="a", **same),
        event(2, name="purchase", sku="b", **same),
        event(3, name="view_item", **same),
    ]
    ingest_file(lake, write_csv(tmp_path / "log.csv", rows), mapping, shop)
    purchases = [row for row in lake_rows(lake, "event_name, event_id, order_id, price") if row[0] == "purchase"]
    (view,) = [row for row in lake_rows(lake, "event_name, order_id, price") if row[0] == "view_item"]
    assert len(purchases) == 2
    assert len({row[1:3] for row in purchases}) == 1
    assert purchases[0][2] is not None
    assert view[1:] == (None, None)


def test_a_repeated_delivery_inside_a_file_counts_once(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    rows = [event(1), event(1), event(2, price="5"), event(2, price="4"), event(3)]
    result = ingest_file(lake, write_csv(tmp_path / "log.csv", rows), event_mapping(), shop)
    assert (result.entry.rows_accepted, result.entry.rows_duplicate) == (3, 2)
    kept = lake_rows(lake, "event_id, price, content_hash")
    backwards = Lake(tmp_path / "backwards")
    ingest_file(backwards, write_csv(tmp_path / "back.csv", rows[::-1]), event_mapping(), shop)
    assert lake_rows(backwards, "event_id, price, content_hash") == kept


def test_equal_deliveries_have_equal_hashes_whenever_they_came(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    columns = with_columns(event_mapping(), received_ts="got")
    mapping = event_mapping(columns=columns, format={"type": "jsonl"}, arrival={"rule": "received"})
    for day in ("2024-03-02", "2024-03-03"):
        row = {**event(1), "got": f"{day} 01:00:00"}
        ingest_file(lake, write_jsonl(tmp_path / f"{day}.jsonl", [row]), mapping, shop)
    found = lake_rows(lake, "arrival_date, content_hash")
    assert [row[0] for row in found] == [date(2024, 3, 2), date(2024, 3, 3)]
    assert found[0][1] == found[1][1]


def test_rows_that_the_mapping_leaves_out_are_counted(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    rows = [event(1), event(2, name="heartbeat"), event(3, qty="x"), event(4, name="heartbeat", qty="x")]
    result = ingest_file(lake, write_csv(tmp_path / "log.csv", rows), event_mapping(keep="name <> 'heartbeat'"), shop)
    entry = result.entry
    assert (entry.rows_accepted, entry.rows_quarantined, entry.rows_skipped) == (1, 1, 2)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"rule": "event_day"}, date(2024, 3, 1)),
        ({"rule": "received"}, date(2024, 3, 4)),
        ({"rule": "file_name", "pattern": r"(\d{4}-\d{2}-\d{2})"}, date(2024, 3, 5)),
        ({"rule": "ingest_day"}, date(2024, 3, 7)),
    ],
)
def test_arrival_rules(lake: Lake, tmp_path: Path, shop: Shop, rule: dict[str, str], expected: date) -> None:
    columns = with_columns(event_mapping(), received_ts="got")
    mapping = event_mapping(columns=columns, format={"type": "jsonl"}, arrival=rule)
    good = {**event(1, at="2024-03-01 12:00:00"), "got": "2024-03-03 23:30:00"}  # 00:30 next day in Berlin
    path = write_jsonl(tmp_path / "log-2024-03-05.jsonl", [good, {**good, "id": "e2", "qty": "?"}])
    ingest_file(lake, path, mapping, shop, now=datetime(2024, 3, 6, 23, 30, tzinfo=UTC))
    assert lake_rows(lake, "arrival_date") == [(expected,)]
    assert quarantine_rows(lake, "arrival_date") == [(expected,)]
    assert list(lake.root.glob(f"events/shop_id=corner/arrival_date={expected}/*.parquet"))


def test_a_bad_row_without_a_day_of_its_own_gets_the_ingest_day(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = write_csv(tmp_path / "log.csv", [event(1, at="never")])
    ingest_file(lake, path, event_mapping(), shop, now=datetime(2024, 3, 6, 12, tzinfo=UTC))
    assert quarantine_rows(lake, "arrival_date, reason_code") == [(date(2024, 3, 6), "bad_time")]


def test_a_file_name_without_a_date_is_refused(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    mapping = event_mapping(arrival={"rule": "file_name", "pattern": r"(\d{4}-\d{2}-\d{2})"})
    for name in ("log.csv", "log-2024-13-77.csv"):
        with pytest.raises(SourceFileError, match="finds no date"):
            ingest_file(lake, write_csv(tmp_path / name, [event(1)]), mapping, shop)


def test_tables_drop_equal_rows_and_keep_versions(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    mapping = event_mapping(
        contract="users",
        event_id=None,
        format={"type": "jsonl"},
        columns={"customer_id": "c", "updated_at": "u", "city": "city"},
    )
    first = {"c": "u1", "u": "2024-03-01 10:00:00", "city": "Ulm"}
    rows = [first, first, {**first, "u": "2024-03-02 10:00:00"}, {**first, "city": "Bonn"}]
    result = ingest_file(lake, write_jsonl(tmp_path / "users.jsonl", rows), mapping, shop)
    assert (result.entry.rows_accepted, result.entry.rows_duplicate) == (3, 1)
    assert lake_rows(lake, "updated_at, city, arrival_date", "users") == [
        (datetime(2024, 3, 1, 10), "Bonn", date(2024, 3, 1)),
        (datetime(2024, 3, 1, 10), "Ulm", date(2024, 3, 1)),
        (datetime(2024, 3, 2, 10), "Ulm", date(2024, 3, 2)),
    ]

"""Numbers, money and times as people write them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from ingestion.lake import Lake
from ingestion.load import ingest_file
from ingestion.shops import Shop
from tests.ingestion.lake_contents import (
    event,
    event_mapping,
    lake_rows,
    quarantine_rows,
    write_csv,
    write_jsonl,
    write_parquet,
)


def one_column(lake: Lake, folder: Path, shop: Shop, values: list[str], column: str, field: str) -> dict[str, object]:
    """What each text of ``field`` became in contract column ``column``."""
    rows = [event(number, **{field: value}) for number, value in enumerate(values)]
    ingest_file(lake, write_csv(folder / "log.csv", rows), event_mapping(), shop)
    kept = dict(lake_rows(lake, f"event_id, {column}"))
    return {
        value: kept[f"small_log:e{number}"] for number, value in enumerate(values) if f"small_log:e{number}" in kept
    }


def test_money_is_rounded_half_away_from_zero_to_minor_units(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    found = one_column(
        lake, tmp_path, shop, ["9.99", "0.001", "2.675", "-2.675", "0.005", "1e3", " 7 ", "", "1.005"], "price", "price"
    )
    assert found == {
        "9.99": 999,
        "0.001": 0,
        "2.675": 268,
        "-2.675": -268,
        "0.005": 1,
        "1e3": 100_000,
        " 7 ": 700,
        "": None,
        "1.005": 101,
    }


@pytest.mark.parametrize(("currency", "minor"), [("JPY", 13), ("EUR", 1250), ("KWD", 12500)])
def test_money_follows_the_exponent_of_the_rows_currency(
    lake: Lake, tmp_path: Path, shop: Shop, currency: str, minor: int
) -> None:
    mapping = event_mapping()
    columns = {**mapping.model_dump(exclude_none=True, exclude_defaults=True)["columns"], "currency": "cur"}
    rows = [{**event(1, price="12.5"), "cur": currency.lower()}]
    path = write_jsonl(tmp_path / "log.jsonl", rows)
    ingest_file(lake, path, event_mapping(columns=columns, format={"type": "jsonl"}), shop)
    assert lake_rows(lake, "price, currency") == [(minor, currency)]


def test_a_currency_that_no_row_names_is_the_shops(lake: Lake, tmp_path: Path) -> None:
    yen = Shop("tokyo", "Asia/Tokyo", "JPY")
    ingest_file(lake, write_csv(tmp_path / "log.csv", [event(1, price="1200")]), event_mapping(), yen)
    assert lake_rows(lake, "price, currency") == [(1200, "JPY")]


def test_whole_numbers_may_be_written_as_floats_but_not_have_fractions(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    found = one_column(lake, tmp_path, shop, ["2", "17850.0", "1e3", "1.5", "-1"], "quantity", "qty")
    assert found == {"2": 2, "17850.0": 17850, "1e3": 1000}
    assert [code for _, code, *_ in quarantine_rows(lake)] == ["bad_number", "out_of_range"]


def test_an_id_from_a_float_column_loses_the_empty_fraction(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = write_parquet(
        tmp_path / "log.parquet",
        "SELECT 'e' || i AS id, 'view_item' AS name, TIMESTAMP '2024-03-01 10:00:00' AS at, w AS who, "
        "'s' AS sku, 1.5 AS price, 1 AS qty, NULL AS \"order\" "
        "FROM (VALUES (1, 17850.0::DOUBLE), (2, 2.5), (3, NULL), (4, 1e15)) AS t(i, w)",
    )
    ingest_file(lake, path, event_mapping(format={"type": "parquet"}), shop)
    assert [row[0] for row in lake_rows(lake, "device_id")] == ["1000000000000000", "17850", "2.5", None]


@pytest.mark.parametrize(
    ("text", "rule", "expected"),
    [
        ("2024-07-01 12:00:00", {"time": "iso", "zone": "Europe/London"}, datetime(2024, 7, 1, 11)),
        ("2024-07-01T12:00:00Z", {"time": "iso", "zone": "Europe/London"}, datetime(2024, 7, 1, 12)),
        ("2024-07-01T12:00:00.123456+08:00", {"time": "iso"}, datetime(2024, 7, 1, 4, 0, 0, 123456)),
        ("2024-07-01 12:00:00-0330", {"time": "iso"}, datetime(2024, 7, 1, 15, 30)),
        ("2024-07-01", {"time": "iso", "zone": "Asia/Shanghai"}, datetime(2024, 6, 30, 16)),
        ("1719835200", {"time": "epoch_s", "zone": "Asia/Shanghai"}, datetime(2024, 7, 1, 12)),
        ("1719835200.25", {"time": "epoch_s"}, datetime(2024, 7, 1, 12, 0, 0, 250000)),
        ("1719835200123", {"time": "epoch_ms"}, datetime(2024, 7, 1, 12, 0, 0, 123000)),
        ("1719835200123456", {"time": "epoch_us"}, datetime(2024, 7, 1, 12, 0, 0, 123456)),
        ("01/07/2024 12:00", {"time": "%d/%m/%Y %H:%M", "zone": "UTC"}, datetime(2024, 7, 1, 12)),
        ("01/07/2024 12:00 +0200", {"time": "%d/%m/%Y %H:%M %z"}, datetime(2024, 7, 1, 10)),
    ],
)
def test_times_become_utc(
    lake: Lake, tmp_path: Path, shop: Shop, text: str, rule: dict[str, str], expected: datetime
) -> None:
    columns = {"event_name": "name", "event_ts": {"column": "at", **rule}}
    ingest_file(lake, write_csv(tmp_path / "log.csv", [event(1, at=text)]), event_mapping(columns=columns), shop)
    assert lake_rows(lake, "event_ts") == [(expected,)], quarantine_rows(lake)


def test_the_arrival_day_is_the_shops_day_not_utcs(lake: Lake, tmp_path: Path) -> None:
    shanghai = Shop("sh", "Asia/Shanghai", "CNY")
    path = write_csv(tmp_path / "log.csv", [event(1, at="2024-03-01T15:59:59Z"), event(2, at="2024-03-01T16:00:00Z")])
    ingest_file(lake, path, event_mapping(), shanghai)
    assert lake_rows(lake, "arrival_date") == [(date(2024, 3, 1),), (date(2024, 3, 2),)]


def test_an_expression_that_fails_on_a_row_quarantines_that_row(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    mapping = event_mapping()
    columns = {**mapping.model_dump(exclude_none=True, exclude_defaults=True)["columns"]}
    columns["quantity"] = {"sql": "abs(CAST(qty AS INTEGER))"}
    rows = [event(1, qty="-4"), event(2, qty="many"), event(3, qty="")]
    ingest_file(lake, write_csv(tmp_path / "log.csv", rows), event_mapping(columns=columns), shop)
    assert lake_rows(lake, "event_id, quantity") == [("small_log:e1", 4), ("small_log:e3", None)]
    ((row, code, *_),) = quarantine_rows(lake)
    assert (row, code) == (2, "bad_expression")

"""Loads: the same bytes twice, corrected files, mended mappings, and the ledger that says what counts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingestion.contract import CONTRACTS
from ingestion.contract_model import LAKE_TYPES
from ingestion.lake import QUARANTINE, QUARANTINE_COLUMNS, Lake
from ingestion.ledger import LedgerError, active_loads, dirty_days, read_ledger
from ingestion.load import ingest_file, ingest_files
from ingestion.mapping_models import SourceMapping
from ingestion.replay import replay_quarantine
from ingestion.shops import Shop
from tests.ingestion.lake_contents import (
    event,
    event_mapping,
    keyed_mapping,
    lake_rows,
    quarantine_rows,
    write_csv,
    write_parquet,
)

CONTENT = "event_id, item_index, event_name, event_ts, item_id, price, quantity, value, content_hash, arrival_date"


def files_below(lake: Lake) -> dict[str, bytes]:
    return {str(path.relative_to(lake.root)): path.read_bytes() for path in lake.root.rglob("*") if path.is_file()}


def test_an_open_lake_has_every_table_with_its_schema_and_no_rows(lake: Lake) -> None:
    tables = {name: contract.lake_columns for name, contract in CONTRACTS.items()}
    with duckdb.connect() as connection:
        for table in (*tables, QUARANTINE):
            query = "SELECT * FROM read_parquet(?, union_by_name = true, hive_partitioning = false)"
            relation = connection.execute(query, [lake.glob(table)])
            assert relation.fetchall() == []
            described = connection.execute(f"DESCRIBE {query}", [lake.glob(table)]).fetchall()
            expected = (
                list(QUARANTINE_COLUMNS.items())
                if table == QUARANTINE
                else [(column.name, LAKE_TYPES[column.kind]) for column in tables[table]]
            )
            assert [(row[0], row[1]) for row in described] == expected
    assert (lake.ledger_folder / "schema.json").read_bytes() == b""
    before = files_below(lake)
    Lake(lake.root)
    assert files_below(lake) == before


def test_the_same_bytes_twice_change_nothing(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = write_csv(tmp_path / "log.csv", [event(n) for n in range(20)] + [event(99, qty="x")])
    first = ingest_file(lake, path, event_mapping(), shop)
    before = files_below(lake)
    renamed = path.rename(tmp_path / "again.csv")
    second = ingest_file(lake, renamed, event_mapping(), shop)
    assert (first.already_loaded, second.already_loaded) == (False, True)
    assert second.entry == first.entry
    assert files_below(lake) == before


def test_shops_share_a_lake_and_nothing_else(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    other = Shop("other", "Asia/Tokyo", "JPY", "tables")
    path = write_csv(tmp_path / "log.csv", [event(1)])
    ids = {ingest_file(lake, path, event_mapping(), each).load_id for each in (shop, other)}
    assert len(ids) == 2
    assert lake_rows(lake, "shop_id, price, currency") == [("corner", 999, "EUR"), ("other", 10, "JPY")]
    assert lake.shops() == [shop, other]
    # which lists are made does not concern the lake
    before = lake.shops_file.stat().st_mtime_ns
    ingest_file(lake, write_csv(tmp_path / "c.csv", [event(3)]), event_mapping(), replace(other, bought_once=("冰箱",)))
    assert lake.shops() == [shop, other] and lake.shops_file.stat().st_mtime_ns == before
    later = replace(other, orders_from="events")
    ingest_file(lake, write_csv(tmp_path / "b.csv", [event(2)]), event_mapping(), later)
    assert lake.shops() == [shop, later]


@pytest.mark.parametrize("change", [{"timezone": "UTC"}, {"currency": "USD"}])
def test_a_shop_cannot_change_its_clock_or_money_over_old_rows(
    lake: Lake, tmp_path: Path, shop: Shop, change: dict[str, str]
) -> None:
    ingest_file(lake, write_csv(tmp_path / "a.csv", [event(1)]), event_mapping(), shop)
    with pytest.raises(ValueError, match="its rows in the lake were made with"):
        ingest_file(lake, write_csv(tmp_path / "b.csv", [event(2)]), event_mapping(), replace(shop, **change))
    assert len(read_ledger(lake)) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"shop_id": "Corner"}, {"timezone": "Mars"}, {"currency": "euro"}, {"orders_from": "x"}, {"bought_once": ("",)}],
)
def test_a_shop_that_cannot_be(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Shop(**{"shop_id": "corner", **wrong})  # type: ignore[arg-type]


def test_a_corrected_file_replaces_the_earlier_load(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    first = ingest_file(lake, write_csv(tmp_path / "log.csv", [event(1), event(2, qty="?")]), event_mapping(), shop)
    corrected = write_csv(tmp_path / "log-2.csv", [event(3), event(4)])
    second = ingest_file(lake, corrected, event_mapping(), shop, supersede="log.csv")
    assert second.entry.supersedes == [first.load_id]
    assert [row[0] for row in lake_rows(lake, "event_id")] == ["small_log:e3", "small_log:e4"]
    assert quarantine_rows(lake) == []
    entries = read_ledger(lake)
    assert active_loads(entries) == [second.entry]
    assert dirty_days(entries, [second.load_id]) == {"corner": [date(2024, 3, 2), date(2024, 3, 4), date(2024, 3, 5)]}
    third = ingest_file(
        lake, write_csv(tmp_path / "log-3.csv", [event(5)]), event_mapping(), shop, supersede=second.load_id
    )
    assert active_loads(read_ledger(lake)) == [third.entry]


def test_superseding_what_is_not_there_is_an_error_and_loads_nothing(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    ingest_file(lake, write_csv(tmp_path / "log.csv", [event(1)]), event_mapping(), shop)
    path = write_csv(tmp_path / "new.csv", [event(2)])
    with pytest.raises(
        LedgerError, match=r"supersede 'lgo\.csv': shop corner has no such load of events; last files: log\.csv"
    ):
        ingest_file(lake, path, event_mapping(), shop, supersede="lgo.csv")
    with pytest.raises(LedgerError, match="shop other has no such load"):
        ingest_file(lake, path, event_mapping(), Shop("other"), supersede="log.csv")
    assert len(read_ledger(lake)) == 1


def mended(mapping: SourceMapping) -> SourceMapping:
    """The mapping after someone taught it the shop's word for a dozen."""
    columns = mapping.model_dump(exclude_none=True, exclude_defaults=True, by_alias=True)["columns"]
    columns["quantity"] = {"sql": "CASE WHEN qty = 'dozen' THEN '12' ELSE qty END"}
    kept = (
        {"event_id": None, "event_key": ["id"], "identical_rows": mapping.identical_rows} if mapping.event_key else {}
    )
    return event_mapping(columns=columns, **kept)


def test_replay_brings_mended_rows_in_on_their_first_arrival_day(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    rows = [event(1), event(2, qty="dozen"), event(3, qty="some"), event(4, at="never")]
    path = write_csv(tmp_path / "log.csv", rows)
    first = ingest_file(lake, path, event_mapping(), shop)
    assert replay_quarantine(lake, event_mapping(), shop) == []  # the same mapping would judge the same
    days = dict(quarantine_rows(lake, "source_row, arrival_date"))
    (result,) = replay_quarantine(lake, mended(event_mapping()), shop)
    entry = result.entry
    assert entry.replays == first.load_id
    assert (entry.rows_read, entry.rows_accepted, entry.rows_quarantined) == (3, 1, 2)
    assert [row[:2] for row in quarantine_rows(lake)] == [(3, "bad_number"), (4, "bad_time")]
    assert lake_rows(lake, "source_row, quantity, source_file, arrival_date")[1] == (2, 12, "log.csv", days[2])
    assert dict(quarantine_rows(lake, "source_row, arrival_date")) == {row: days[row] for row in (3, 4)}
    before = files_below(lake)
    assert replay_quarantine(lake, mended(event_mapping()), shop) == []
    assert files_below(lake) == before


@pytest.mark.parametrize("identical_rows", ["keep", "drop"])
def test_replay_of_keyed_rows_ends_as_if_the_mended_mapping_had_read_the_file(
    lake: Lake, tmp_path: Path, shop: Shop, identical_rows: str
) -> None:
    """An order of three lines of which one was bad must come back as one order of three lines."""
    mapping = keyed_mapping(identical_rows)
    line = event(1, name="purchase", order="o", sku="a")
    rows = [line, {**line, "sku": "b", "qty": "dozen"}, {**line, "sku": "c"}, event(2), event(2), event(3, qty="some")]
    path = write_csv(tmp_path / "log.csv", rows)
    first = ingest_file(lake, path, mapping, shop)
    (result,) = replay_quarantine(lake, mended(mapping), shop)
    assert (result.entry.supersedes, result.entry.replays) == ([first.load_id], first.load_id)
    fresh = Lake(tmp_path / "fresh")
    expected = ingest_file(fresh, path, mended(mapping), shop)
    columns = CONTENT + ", source_file, source_row"
    assert lake_rows(lake, columns) == lake_rows(fresh, columns)
    assert quarantine_rows(lake) == quarantine_rows(fresh)
    counted = ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate", "contract_rows", "arrival_days")
    assert [getattr(result.entry, name) for name in counted] == [getattr(expected.entry, name) for name in counted]


def test_replay_of_parquet_rows_keeps_their_types(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = write_parquet(
        tmp_path / "log.parquet",
        "SELECT 'e1' AS id, 'view_item' AS name, TIMESTAMP '2024-03-01 10:00:00.5' AS at, 17850.0::DOUBLE AS who, "
        "'s' AS sku, 1.5 AS price, -4::BIGINT AS qty, NULL::VARCHAR AS \"order\"",
    )
    ingest_file(lake, path, event_mapping(format={"type": "parquet"}), shop)
    assert [row[1] for row in quarantine_rows(lake)] == ["out_of_range"]
    columns = event_mapping().model_dump(exclude_none=True, exclude_defaults=True)["columns"]
    columns["quantity"] = {"sql": "abs(qty)"}  # works on a number only
    (result,) = replay_quarantine(lake, event_mapping(format={"type": "parquet"}, columns=columns), shop)
    assert result.entry.rows_accepted == 1
    ((device, quantity, price, at),) = lake_rows(lake, "device_id, quantity, price, event_ts::VARCHAR")
    assert (device, quantity, price, at) == ("17850", 4, 150, "2024-03-01 10:00:00.5")


def test_superseding_a_file_takes_its_replays_along(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    ingest_file(lake, write_csv(tmp_path / "log.csv", [event(1), event(2, qty="dozen")]), event_mapping(), shop)
    replay_quarantine(lake, mended(event_mapping()), shop)
    assert len(lake_rows(lake)) == 2
    ingest_file(lake, write_csv(tmp_path / "new.csv", [event(9)]), event_mapping(), shop, supersede="log.csv")
    assert lake_rows(lake, "event_id") == [("small_log:e9",)]


def test_every_entry_closes_and_one_that_does_not_cannot_be_written(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    rows = [event(1), event(1), event(2, qty="x"), event(3, name="ping")]
    result = ingest_file(lake, write_csv(tmp_path / "log.csv", rows), event_mapping(keep="name <> 'ping'"), shop)
    entry = result.entry
    counts = (entry.rows_read, entry.rows_accepted, entry.rows_quarantined, entry.rows_duplicate, entry.rows_skipped)
    assert counts == (4, 1, 1, 1, 1)
    assert json.loads((lake.ledger_folder / f"{entry.load_id}.json").read_text())["rows_read"] == 4
    with pytest.raises(LedgerError, match="read 5 rows but accepted 1"):
        replace(entry, rows_read=5)


def test_a_broken_ledger_file_is_named(lake: Lake) -> None:
    (lake.ledger_folder / "abc.json").write_text("{")
    with pytest.raises(LedgerError, match=r"abc\.json: expected one ledger entry"):
        read_ledger(lake)


def test_many_files_share_one_connection_and_stop_at_the_first_error(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    paths = [write_csv(tmp_path / f"log-{n}.csv", [event(n)]) for n in range(3)]
    results = ingest_files(lake, [*paths, paths[0]], event_mapping(), shop)
    assert [result.already_loaded for result in results] == [False, False, False, True]
    with pytest.raises(ValueError, match="cannot be read"):
        ingest_files(lake, [tmp_path / "none.csv", write_csv(tmp_path / "x.csv", [event(8)])], event_mapping(), shop)
    assert len(read_ledger(lake)) == 3

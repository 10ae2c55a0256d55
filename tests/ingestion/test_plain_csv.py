"""A CSV file without quotes is read in one pass: it must become what reading it line by line makes of it."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion import read
from ingestion.contract import EVENTS
from ingestion.lake import Lake
from ingestion.load import ingest_file
from ingestion.mapping_models import SourceMapping
from ingestion.shops import Shop
from tests.ingestion.lake_contents import FIELDS, event, event_mapping, keyed_mapping, lake_rows, quarantine_rows

SHOP = Shop("corner", "Europe/Berlin", "EUR")
field = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\x00\n\r,'), max_size=6)
row = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", " a", "b"]) | field,
        "name": st.sampled_from(["view_item", "purchase", "page_view ", "nonsense"]),
        "at": st.sampled_from(["2024-03-01 10:00:00", "2024-03-02T23:30:00Z", " ", "never"]),
        "who": st.sampled_from(["v1", "\u3000v2", ""]) | field,
        "sku": field,
        "price": st.sampled_from(["1.00", " 2 ", "x", ""]),
        "qty": st.sampled_from(["1", "1.0", "", "-1"]),
        "order": st.sampled_from(["o1", ""]),
    }
).map(lambda values: ",".join(values[name] for name in FIELDS))
odd_line = st.sampled_from(["", "  ", "too,few", ",".join("x" * 9), ",,,,,,,", "\ufeff"])


def load(folder: Path, content: bytes, mapping: SourceMapping, name: str = "log.csv") -> tuple[Any, Lake]:
    folder.mkdir()
    path = folder / name
    path.write_bytes(content)
    lake = Lake(folder / "lake")
    return ingest_file(lake, path, mapping, SHOP).entry, lake


def both_ways(
    folder: Path, content: bytes, mapping: SourceMapping, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, list[Any], list[Any]]:
    """Load in one pass and by line; the two must agree. Returns entry, rows and quarantine."""
    entry, lake = load(folder / "plain", content, mapping)
    with monkeypatch.context() as patch:
        patch.setattr(read, "_open_plain", lambda *_: None)
        other, by_line = load(folder / "by_line", content, mapping)
    counts = ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate", "contract_rows", "arrival_days")
    assert [getattr(entry, name) for name in counts] == [getattr(other, name) for name in counts]
    rows, bad = lake_rows(lake), quarantine_rows(lake, "* EXCLUDE (arrival_date)")
    assert rows == lake_rows(by_line)
    assert bad == quarantine_rows(by_line, "* EXCLUDE (arrival_date)")
    return entry, rows, bad


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(row | odd_line, max_size=12), st.sampled_from(["id", "keep", "drop"]), st.sampled_from(["\n", "\r\n"]))
def test_any_file_without_quotes_reads_alike_in_one_pass_and_by_line(
    lines: list[str], identity: str, line_end: str
) -> None:
    mapping = event_mapping() if identity == "id" else keyed_mapping(identity)
    content = line_end.join([",".join(FIELDS), *lines, ""]).encode()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        both_ways(Path(folder), content, mapping, monkeypatch)


def lines_of(rows: list[dict[str, str]], header: bool = True) -> list[str]:
    return [*([",".join(FIELDS)] if header else []), *(",".join(row[name] for name in FIELDS) for row in rows)]


def test_bad_values_keep_reason_row_and_raw_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [event(1), event(2, qty="many"), event(3, at="never"), event(4)]
    content = "\n".join(lines_of(rows)).encode()
    entry, _, bad = both_ways(tmp_path, content, event_mapping(), monkeypatch)
    assert (entry.rows_read, entry.rows_accepted, entry.rows_quarantined) == (4, 2, 2)
    assert len(bad) == 2


@pytest.mark.parametrize(
    "broken", [b"too,few", b"one,two,three,four,five,six,seven,eight,nine", b"e9,view_item,\xff,v,s,1,1,"]
)
def test_a_broken_record_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: bytes) -> None:
    lines = [line.encode() for line in lines_of([event(1), event(2), event(3)])]
    content = b"\n".join([*lines[:2], broken, *lines[2:]])
    entry, rows, bad = both_ways(tmp_path, content, event_mapping(), monkeypatch)
    assert (entry.rows_accepted, entry.rows_quarantined, len(rows), len(bad)) == (3, 1, 3, 1)


def test_wrong_encoding_in_a_field_that_no_rule_reads_is_found_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, first = (line.encode() for line in lines_of([event(1)]))
    content = b"\n".join([header + b",note", first + b",fine", first + b",\xff\xfe"])
    entry, _, bad = both_ways(tmp_path, content, keyed_mapping("keep"), monkeypatch)
    assert (entry.rows_accepted, entry.rows_quarantined, len(bad)) == (1, 1, 1)


def test_a_compressed_file_without_header(tmp_path: Path) -> None:
    form = {"type": "csv", "header": False, "columns": list(FIELDS)}
    content = gzip.compress("\n".join(lines_of([event(1), event(2)], header=False)).encode())
    _, lake = load(tmp_path / "gz", content, event_mapping(format=form), "log.csv.gz")
    assert lake_rows(lake, "source_row, event_id") == [(1, "small_log:e1"), (2, "small_log:e2")]


def test_row_numbers_are_the_files_own_in_a_file_of_several_buffers(tmp_path: Path) -> None:
    """The reader hands buffers to several threads; a row's number must still be its place in the file."""
    path = tmp_path / "log.csv"
    wide = "x" * 60
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT n AS id, 'view_item' AS name, '2024-03-01 10:00:00' AS at, n % 7 AS who, '{wide}' AS sku, "
            f"1 AS price, 1 AS qty, NULL AS \"order\" FROM range(1, 400001) AS numbers(n)) TO '{path}' (HEADER)"
        )
    assert path.stat().st_size > read._BUFFER_BYTES
    lake = Lake(tmp_path / "lake")
    ingest_file(lake, path, event_mapping(), SHOP)
    found = lake_rows(lake, "count(*), count(*) FILTER (WHERE event_id = 'small_log:' || source_row), max(source_row)")
    assert found == [(400_000, 400_000, 400_000)]


def test_files_hold_the_mapped_columns_and_read_by_name_the_whole_contract(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines_of([event(1)])))
    ingest_file(lake, path, event_mapping(), SHOP)
    (file,) = lake.root.glob("events/shop_id=corner/*/*.parquet")
    with duckdb.connect() as connection:
        written = [row[0] for row in connection.execute("DESCRIBE FROM read_parquet(?)", [str(file)]).fetchall()]
        read_by_name = connection.execute(
            "DESCRIBE FROM read_parquet(?, union_by_name = true, hive_partitioning = false)", [lake.glob("events")]
        ).fetchall()
    assert "referrer" not in written
    assert {"event_id", "price", "load_id", "content_hash"} < set(written)
    assert [row[0] for row in read_by_name] == [column.name for column in EVENTS.lake_columns]


def hashes(folder: Path, rows: list[dict[str, str]], **changes: Any) -> list[tuple[str, str]]:
    mapping = event_mapping(event_id=None, identical_rows="keep", **changes)
    _, lake = load(folder, "\n".join(lines_of(rows)).encode(), mapping)
    return lake_rows(lake, "event_id, content_hash")


def test_a_keyed_events_hash_tells_unequal_deliveries_apart(tmp_path: Path) -> None:
    """What the key says is left out of the hash, what it does not say is in, and so is the rule that reads the key."""
    key = {"event_key": ["id", "at"], "event_key_for": {"purchase": ["id"]}}
    (first,) = hashes(tmp_path / "1", [event(1)], **key)
    assert hashes(tmp_path / "2", [event(1)], **key) == [first]
    for number, change in enumerate([{"sku": "other"}, {"price": "1"}, {"who": "someone"}, {"order": "o"}]):
        ((event_id, content),) = hashes(tmp_path / f"changed{number}", [event(1, **change)], **key)
        assert event_id == first[0]
        assert content != first[1]
    columns = event_mapping().model_dump(exclude_none=True, exclude_defaults=True)["columns"]
    columns["event_ts"] = {"column": "at", "time": "iso", "zone": "Asia/Tokyo"}
    ((event_id, content),) = hashes(tmp_path / "zone", [event(1)], columns=columns, **key)
    assert event_id == first[0]
    assert content != first[1]
    buy = {"name": "purchase", "order": "o"}
    (early,) = hashes(tmp_path / "early", [event(1, at="2024-03-01 10:00:00", **buy)], **key)
    (late,) = hashes(tmp_path / "late", [event(1, at="2024-03-01 11:00:00", **buy)], **key)
    assert early[0] == late[0]
    assert early[1] != late[1]

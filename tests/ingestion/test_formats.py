"""The same log in every format and compression gives the same lake; broken records cost only themselves."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import duckdb
import pytest

from ingestion.lake import Lake
from ingestion.load import ingest_file
from ingestion.read import SourceFileError
from ingestion.shops import Shop
from tests.ingestion.lake_contents import (
    FIELDS,
    event,
    event_mapping,
    lake_rows,
    quarantine_rows,
    write_csv,
    write_jsonl,
    write_parquet,
)

CONTENT = "event_id, item_index, event_name, event_ts, device_id, item_id, price, quantity, arrival_date, source_row"


def log_file(folder: Path, kind: str, compression: str) -> Path:
    rows = [event(number) for number in range(40)]
    if kind == "csv":
        plain = write_csv(folder / "log.csv", rows)
    elif kind == "jsonl":
        plain = write_jsonl(folder / "log.jsonl", rows)
    else:
        plain = folder / "log.parquet"
        fields = ", ".join(f'"{name}"' for name in FIELDS)
        text = write_csv(folder / "x.csv", rows)
        write_parquet(plain, f"SELECT {fields} FROM read_csv('{text}', all_varchar = true)")
    if compression == "gz":
        packed = folder / f"{plain.name}.gz"
        packed.write_bytes(gzip.compress(plain.read_bytes()))
        return packed
    if compression == "zst":
        packed = folder / f"{plain.name}.zst"
        lines = [(line,) for line in plain.read_text().splitlines()]
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE lines (line VARCHAR)")
            connection.executemany("INSERT INTO lines VALUES (?)", lines)
            connection.table("lines").write_csv(
                str(packed), header=False, quotechar="", escapechar="", sep="\x01", compression="zstd"
            )
        return packed
    return plain


@pytest.mark.parametrize(
    ("kind", "compression"),
    [("csv", ""), ("csv", "gz"), ("csv", "zst"), ("jsonl", ""), ("jsonl", "gz"), ("jsonl", "zst"), ("parquet", "")],
)
def test_every_format_gives_the_same_rows(lake: Lake, tmp_path: Path, shop: Shop, kind: str, compression: str) -> None:
    reference = Lake(tmp_path / "reference")
    ingest_file(reference, write_csv(tmp_path / "plain.csv", [event(n) for n in range(40)]), event_mapping(), shop)
    path = log_file(tmp_path, kind, compression)
    result = ingest_file(lake, path, event_mapping(format={"type": kind}), shop)
    assert result.entry.rows_accepted == 40
    assert lake_rows(lake, CONTENT) == lake_rows(reference, CONTENT)


def csv_text(lines: list[str]) -> str:
    return "\n".join([",".join(FIELDS), *lines]) + "\n"


def good_line(number: int, sku: str = "s") -> str:
    return f"e{number},view_item,2024-03-01 10:00:0{number},v,{sku},1,1,"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda text: text.replace("\n", "\r\n", 2), id="mixed line ends"),
        pytest.param(lambda text: text.replace("\n", "\n\n"), id="blank lines"),
        pytest.param(lambda text: text.rstrip("\n"), id="no last line end"),
    ],
)
def test_line_ends_and_marks_do_not_matter(lake: Lake, tmp_path: Path, shop: Shop, change) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "log.csv"
    path.write_bytes(change(csv_text([good_line(1), good_line(2), good_line(3)])).encode())
    result = ingest_file(lake, path, event_mapping(), shop)
    assert (result.entry.rows_read, result.entry.rows_accepted) == (3, 3)
    assert [row[0] for row in lake_rows(lake, "event_id")] == ["small_log:e1", "small_log:e2", "small_log:e3"]


def test_quoted_fields_may_hold_delimiters_quotes_and_line_ends(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = tmp_path / "log.csv"
    skus = ['"a,b"', '"say ""hi"""', '"two\nlines"', '"three\n\nlines, ""x"""', '5" disc', "plain"]
    path.write_text(csv_text([good_line(number, sku) for number, sku in enumerate(skus)]))
    result = ingest_file(lake, path, event_mapping(), shop)
    assert quarantine_rows(lake) == []
    assert (result.entry.rows_read, result.entry.rows_accepted) == (6, 6)
    found = [row[1] for row in lake_rows(lake, "source_row, item_id")]
    # the empty line inside the fourth is lost: a known limit of the line reader
    assert found == ["a,b", 'say "hi"', "two\nlines", 'three\nlines, "x"', '5" disc', "plain"]


def test_broken_csv_lines_cost_only_themselves_and_keep_their_text(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = tmp_path / "log.csv"
    lines = [good_line(1), "too,few", good_line(2), good_line(3) + ",too,many", f'e4,"open{good_line(4)}', good_line(5)]
    path.write_text(csv_text(lines))
    result = ingest_file(lake, path, event_mapping(), shop)
    assert (result.entry.rows_read, result.entry.rows_accepted) == (6, 3)
    found = quarantine_rows(lake, "source_row, reason_code, raw_format, raw_text")
    assert found == [(row, "malformed_row", "line", lines[row - 1]) for row in (2, 4, 5)]


def test_a_line_in_another_encoding_is_quarantined_in_its_place(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = tmp_path / "log.csv"
    lines = [good_line(1).encode(), b"e2,view_item,\xff\xfe,v,s,1,1,", good_line(3).encode()]
    path.write_bytes(csv_text([]).encode() + b"\n".join(lines))
    ingest_file(lake, path, event_mapping(), shop)
    assert [row[0] for row in lake_rows(lake, "source_row")] == [1, 3]
    ((row, code, words, _),) = quarantine_rows(lake)
    assert (row, code) == (2, "malformed_row")
    assert "encoding" in words


def test_a_latin_1_file_reads_when_the_mapping_says_so(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(csv_text([good_line(1, "café")]).encode("latin-1"))
    ingest_file(lake, path, event_mapping(format={"type": "csv", "encoding": "latin-1"}), shop)
    assert lake_rows(lake, "item_id") == [("café",)]


def test_broken_json_lines_keep_their_text(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    broken = ['{"id": "e2", "name": ', "[1, 2]", "12", "null", '"text"', "plain words"]
    path = write_jsonl(tmp_path / "log.jsonl", [event(1), *broken, event(3)])
    result = ingest_file(lake, path, event_mapping(format={"type": "jsonl"}), shop)
    assert (result.entry.rows_read, result.entry.rows_accepted) == (8, 2)
    found = quarantine_rows(lake, "source_row, reason_code, raw_format, raw_text")
    assert found == [(row, "malformed_row", "line", text) for row, text in enumerate(broken, 2)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_name_with_wildcards_and_quotes_means_that_file(
    lake: Lake, tmp_path: Path, shop: Shop, kind: str
) -> None:
    path = log_file(tmp_path, kind, "")
    odd = path.rename(tmp_path / f"it's a [lo]g*?.{kind}")
    path.write_text("not this one")
    result = ingest_file(lake, odd, event_mapping(format={"type": kind}), shop)
    assert result.entry.rows_accepted == 40
    assert set(lake_rows(lake, "source_file")) == {(odd.name,)}


def test_csv_without_header_and_with_another_delimiter(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = tmp_path / "log.tsv"
    path.write_text("\n".join(good_line(number).replace(",", "\t") for number in (1, 2)))
    file_format = {"type": "csv", "header": False, "delimiter": "\t", "columns": list(FIELDS)}
    ingest_file(lake, path, event_mapping(format=file_format), shop)
    assert lake_rows(lake, "event_id, source_row") == [("small_log:e1", 1), ("small_log:e2", 2)]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_an_empty_file_is_a_load_of_no_rows(lake: Lake, tmp_path: Path, shop: Shop, kind: str) -> None:
    path = tmp_path / "log"
    path.write_text(csv_text([]) if kind == "csv" else "")
    result = ingest_file(lake, path, event_mapping(format={"type": kind}), shop)
    assert (result.entry.rows_read, result.entry.arrival_days) == (0, [])
    assert lake_rows(lake) == []


def test_words_for_unknown_become_null(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = write_csv(tmp_path / "log.csv", [event(1, sku="(not set)", price="-"), event(2, sku=" ")])
    ingest_file(lake, path, event_mapping(format={"type": "csv", "null_values": ["(not set)", "-"]}), shop)
    assert lake_rows(lake, "item_id, price") == [(None, 999), (None, None)]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_missing_column_is_named_with_those_that_exist(lake: Lake, tmp_path: Path, shop: Shop, kind: str) -> None:
    columns = {"event_name": "nam", "event_ts": {"column": "at", "time": "iso"}}
    path = log_file(tmp_path, kind, "")
    with pytest.raises(SourceFileError) as error:
        ingest_file(lake, path, event_mapping(format={"type": kind}, columns=columns), shop)
    words = str(error.value)
    assert path.name in words
    assert "no column 'nam'" in words
    assert "name" in words.split("it has ")[1]
    assert lake_rows(lake) == []


def test_a_json_field_that_only_some_rows_have(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    rare = [event(number) for number in range(3000)]
    for row in rare[:-1]:
        del row["sku"]
    path = write_jsonl(tmp_path / "log.jsonl", rare)
    result = ingest_file(lake, path, event_mapping(format={"type": "jsonl"}), shop)
    assert result.entry.rows_accepted == 3000
    assert result.warnings == []
    assert lake_rows(lake, "count(item_id)") == [(1,)]


def test_a_misspelt_optional_json_field_is_warned_about(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    rows = [{**event(1), "country": "DE"}]
    columns = {"event_name": "name", "event_ts": "at", "country": "contry"}
    path = write_jsonl(tmp_path / "log.jsonl", rows)
    result = ingest_file(lake, path, event_mapping(format={"type": "jsonl"}, columns=columns), shop)
    (warning,) = result.warnings
    assert "'contry'" in warning
    assert "'country'" in warning


def test_nested_json_and_lists_of_items(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    rows = [
        {"id": "a", "name": "view_item", "at": "2024-03-01 10:00:00", "geo": {"country": "DE"}, "geo.city": "Ulm",
         "items": [{"sku": "x", "price": 1.5}, {"sku": "y", "price": 2}]},
        {"id": "b", "name": "page_view", "at": "2024-03-01 10:00:01", "items": []},
        {"id": "c", "name": "page_view", "at": "2024-03-01 10:00:02"},
        {"id": "d", "name": "view_item", "at": "2024-03-01 10:00:03", "items": [{"sku": "z"}]},
        {"id": "e", "name": "view_item", "at": "2024-03-01 10:00:04", "items": "none"},
        {"id": "f", "name": "view_item", "at": "2024-03-01 10:00:05",
         "items": [{"sku": "p"}, {"sku": "q", "price": "?"}]},
    ]  # fmt: skip
    columns = {
        "event_name": "name",
        "event_ts": "at",
        "country": "geo.country",
        "city": "geo.city",
        "item_id": "item.sku",
        "price": {"sql": "CAST(item.price AS DOUBLE) * 2"},
    }
    mapping = event_mapping(format={"type": "jsonl"}, unnest={"column": "items"}, columns=columns)
    result = ingest_file(lake, write_jsonl(tmp_path / "log.jsonl", rows), mapping, shop)
    assert lake_rows(lake, "event_id, item_index, item_id, price, country, city, source_row") == [
        ("small_log:a", 0, "x", 300, "DE", "Ulm", 1),
        ("small_log:a", 1, "y", 400, "DE", "Ulm", 1),
        ("small_log:b", None, None, None, None, None, 2),
        ("small_log:c", None, None, None, None, None, 3),
        ("small_log:d", 0, "z", None, None, None, 4),
    ]
    assert [row[:2] for row in quarantine_rows(lake)] == [(5, "malformed_row"), (6, "bad_expression")]
    assert (result.entry.rows_read, result.entry.rows_accepted, result.entry.contract_rows) == (6, 4, 5)


def test_nested_parquet_reads_like_nested_json(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = write_parquet(
        tmp_path / "log.parquet",
        """
        SELECT 'a' AS id, 'view_item' AS name, TIMESTAMP '2024-03-01 10:00:00' AS at, {'country': 'DE'} AS geo,
               [{'sku': 'x', 'price': 1.5}, {'sku': 'y', 'price': 2}] AS items
        UNION ALL SELECT 'b', 'page_view', TIMESTAMP '2024-03-01 10:00:01', {'country': 'FR'}, []
    """,
    )
    columns = {
        "event_name": "name",
        "event_ts": "at",
        "country": "geo.country",
        "item_id": "item.sku",
        "price": "item.price",
    }
    mapping = event_mapping(format={"type": "parquet"}, unnest={"column": "items"}, columns=columns)
    ingest_file(lake, path, mapping, shop)
    assert lake_rows(lake, "event_id, item_index, item_id, price, country") == [
        ("small_log:a", 0, "x", 150, "DE"),
        ("small_log:a", 1, "y", 200, "DE"),
        ("small_log:b", None, None, None, "FR"),
    ]


def test_quarantined_text_of_csv_is_an_object_of_all_its_fields(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    row = event(1, price="dear", sku='a "b"')
    ingest_file(lake, write_csv(tmp_path / "log.csv", [row]), event_mapping(), shop)
    ((_, _, _, raw),) = quarantine_rows(lake)
    assert json.loads(raw) == row


def test_a_file_that_is_not_what_it_says(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = tmp_path / "log.parquet"
    path.write_text("this is no parquet")
    with pytest.raises(SourceFileError, match=r"log\.parquet: cannot be read as parquet"):
        ingest_file(lake, path, event_mapping(format={"type": "parquet"}), shop)
    with pytest.raises(SourceFileError, match="cannot be read"):
        ingest_file(lake, tmp_path / "none.csv", event_mapping(), shop)

"""A wrong mapping is refused before a file is touched, in words that say where and what was expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingestion.expressions import ExpressionError, parse_expression
from ingestion.mapping import SOURCES_FOLDER, MappingError, load_mapping, parse_mapping

GOOD: dict[str, Any] = {
    "source": "log",
    "contract": "events",
    "format": {"type": "csv"},
    "columns": {"event_name": "name", "event_ts": {"column": "at", "time": "iso"}},
    "event_id": "id",
    "arrival": {"rule": "event_day"},
}


@pytest.mark.parametrize("path", sorted(SOURCES_FOLDER.glob("*.yml")), ids=lambda path: path.stem)
def test_shipped_mappings_load_by_name_and_are_named_like_their_file(path: Path) -> None:
    assert load_mapping(path.stem).source == path.stem


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sauce": 1}, "sauce: unknown key"),
        ({"source": "Mein Log"}, "source: String should match pattern"),
        ({"source": None}, "source: missing"),
        ({"contract": "clicks"}, "contract: 'clicks' is unknown, expected one of events, users"),
        ({"format": {"type": "xls"}}, "format.type: Input should be 'csv', 'jsonl' or 'parquet' (found 'xls')"),
        ({"format": {"type": "csv", "header": False}}, "format: a CSV file without header needs `columns`"),
        ({"format": {"type": "csv", "delimiter": "||"}}, "format.delimiter"),
        ({"columns": {"event_nam": "n"}}, "columns.event_nam: no such contract column; did you mean event_name"),
        ({"columns": {"load_id": "n"}}, "columns.load_id: is filled by ingestion itself"),
        ({"columns": {"event_name": "n"}}, "columns.event_ts: missing, the events contract requires it"),
        ({"columns.event_id": "id"}, "columns.event_id: cannot be mapped, use the keys event_id or event_key"),
        ({"columns.item_index": "i"}, "columns.item_index: cannot be mapped"),
        ({"columns.price": {}}, "columns.price: expected exactly one of column, constant, sql, hash_of; found none"),
        ({"columns.price": {"column": "a", "constant": 1}}, "found column and constant"),
        ({"columns.price": {"sql": "sum(a)"}}, "columns.price.sql: sum() is not allowed (aggregate)"),
        ({"columns.price": {"sql": "(SELECT 1)"}}, "without a subquery"),
        ({"columns.price": "items_total"}, "columns.price.items_total: only columns.value"),
        ({"columns.value": "items_total"}, "columns.value.items_total: needs columns.price and columns.quantity"),
        ({"columns.price": {"column": "p", "time": "iso"}}, "columns.price.time: price is money"),
        ({"columns.event_ts": {"column": "at", "time": "unix"}}, "'unix': expected epoch_s, epoch_ms, epoch_us, iso"),
        ({"columns.event_ts": {"column": "at", "zone": "Mars/Base"}}, "'Mars/Base' is no time zone"),
        (
            {"columns.event_name": {"column": "n", "map": {"buy": "purchse"}}},
            "'purchse' is not allowed, expected purchase",
        ),
        ({"columns.event_name": {"constant": "viewed"}}, "columns.event_name.constant: 'viewed' is not allowed"),
        (
            {"columns.order_id": {"column": "o", "only_for": ["buy"]}},
            "columns.order_id.only_for: 'buy' is no event name",
        ),
        ({"event_id": None}, "event_id: expected exactly one of event_id"),
        ({"event_key": ["a"]}, "event_id: expected exactly one of event_id"),
        ({"event_id": None, "event_key": ["a"]}, "identical_rows: expected keep or drop"),
        ({"identical_rows": "drop"}, "event_id: excludes identical_rows"),
        (
            {"event_id": None, "event_key": ["a"], "identical_rows": "keep", "unnest": {"column": "l"}},
            "unnest: goes with",
        ),
        (
            {"event_id": None, "event_key": ["a"], "identical_rows": "keep", "event_key_for": {"buy": ["b"]}},
            "event_key_for.buy: is no event name",
        ),
        ({"keep": "1; DROP TABLE x"}, "keep: not valid SQL"),
        ({"arrival": {"rule": "received"}}, "arrival.rule: `received` needs columns.received_ts"),
        ({"arrival": {"rule": "file_name"}}, "arrival: `pattern` goes with `rule: file_name`"),
        ({"arrival": {"rule": "file_name", "pattern": "[0-9"}}, "is no regular expression"),
        ({"arrival": {"rule": "file_name", "pattern": "[0-9]+"}}, "has 0 groups, expected one that holds the date"),
        ({"shop": {"currency": "euro"}}, "shop.currency"),
        ({"contract": "users", "columns": {"customer_id": "c", "updated_at": "u"}}, "event_id: belongs to the events"),
    ],
)
def test_errors_name_file_key_and_expectation(change: dict[str, Any], expected: str) -> None:
    data = {**GOOD, "columns": dict(GOOD["columns"])}
    for key, value in change.items():
        if key.startswith("columns."):
            data["columns"][key.removeprefix("columns.")] = value
        elif value is None:
            del data[key]
        else:
            data[key] = value
    with pytest.raises(MappingError) as error:
        parse_mapping(data, "shop/log.yml")
    assert expected in str(error.value)
    assert all(line.startswith("shop/log.yml: ") for line in str(error.value).splitlines())


def test_all_problems_of_a_file_are_reported_at_once() -> None:
    columns = {"event_nam": "n", "pric": "p"}
    with pytest.raises(MappingError) as error:
        parse_mapping({**GOOD, "columns": columns}, "log.yml")
    assert len(str(error.value).splitlines()) == 4  # two unknown, two required ones missing


def test_a_file_that_is_missing_or_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="no such mapping file"):
        load_mapping(tmp_path / "none.yml")
    with pytest.raises(MappingError, match=r"'taobao': no shipped mapping, expected .*taobao_userbehavior"):
        load_mapping("taobao")
    with pytest.raises(MappingError, match="no shipped mapping"):
        load_mapping("../sources/taobao_userbehavior")
    bad = tmp_path / "bad.yml"
    bad.write_text("source: [unclosed")
    with pytest.raises(MappingError, match=r"bad\.yml: is not readable YAML"):
        load_mapping(bad)
    bad.write_text("just words")
    with pytest.raises(MappingError, match="expected keys and values, found str"):
        load_mapping(bad)


def test_the_fingerprint_follows_what_decides_the_rows_and_nothing_else() -> None:
    base = parse_mapping(GOOD, "a.yml").fingerprint
    assert parse_mapping({**GOOD, "description": "other words"}, "b.yml").fingerprint == base
    assert parse_mapping({**GOOD, "columns": {**GOOD["columns"], "city": "c"}}, "a.yml").fingerprint != base
    assert parse_mapping({**GOOD, "keep": "name <> 'x'"}, "a.yml").fingerprint != base


@pytest.mark.parametrize(
    "text",
    [
        "random()",
        "now()",
        "sum(a)",
        "row_number() OVER ()",
        "a FROM x",
        "a, b",
        "*",
        "1; SELECT 2",
        "1) FROM t --",
        "read_text('/etc/passwd')",
        "EXISTS (SELECT 1)",
        "?",
        "",
        "getenv('HOME')",
    ],
)
def test_only_one_repeatable_scalar_expression_is_accepted(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(text)


def test_columns_of_an_expression_are_found_and_dotted_names_joined() -> None:
    text = 'CASE WHEN item.price > 1 THEN lower("Name") ELSE list_transform(l, lambda x: x + q)[1] END -- why'
    found = parse_expression(text)
    assert set(found.columns) == {"item.price", "Name", "l", "q"}
    assert '"item.price"' in found.sql
    assert "why" not in found.sql

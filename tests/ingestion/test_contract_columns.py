"""Every rule of the contract holds at the door: one test per column and kind of bad value, derived, none listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingestion.casting import REASONS
from ingestion.contract import CONTRACTS
from ingestion.contract_model import Column, Contract
from ingestion.lake import Lake
from ingestion.load import ingest_file
from ingestion.mapping import parse_mapping
from ingestion.mapping_models import SourceMapping
from ingestion.shops import Shop
from tests.ingestion.lake_contents import lake_rows, quarantine_rows, write_jsonl

GOOD = {
    "text": "abc",
    "integer": "3",
    "money": "12.50",
    "timestamp": "2024-05-06 07:08:09",
    "date": "2024-05-06",
    "boolean": "true",
    "json": '{"a": 1}',
}
GARBAGE = {
    "integer": ("abc", "bad_number"),
    "money": ("12,50 EUR", "bad_number"),
    "timestamp": ("yesterday", "bad_time"),
    "date": ("2024-13-45", "bad_time"),
    "boolean": ("perhaps", "bad_boolean"),
    "json": ("[1, 2", "bad_json"),
}


Fates = dict[str, list[str]]


def mapped_columns(contract: Contract) -> list[Column]:
    return [column for column in contract.mappable if column.name != "item_index"]


def good_value(column: Column) -> str:
    if column.allowed:
        return column.allowed[0]
    return "2001" if column.name == "birth_year" else "EUR" if column.name == "currency" else GOOD[column.kind]


def full_mapping(contract: Contract) -> SourceMapping:
    names = [column.name for column in mapped_columns(contract)]
    data: dict[str, Any] = {
        "source": "everything",
        "contract": contract.name,
        "format": {"type": "jsonl"},
        "columns": {name: name for name in names if name != "event_id"},
        "arrival": {"rule": "event_day"},
    }
    if contract.name == "events":
        data["event_id"] = "event_id"
    return parse_mapping(data, "everything.yml")


def fates(lake: Lake, folder: Path, shop: Shop, contract: Contract, changes: dict[str, dict[str, str | None]]) -> Fates:
    """Load a full good row and one changed row per entry of ``changes``, in one file.

    Returns by label (reason code, reasons, raw text) of the quarantined rows; the good row must have got in.
    """
    row = {column.name: good_value(column) for column in mapped_columns(contract)}
    rows = [row, *({**row, **change} for change in changes.values())]
    result = ingest_file(lake, write_jsonl(folder / "rows.jsonl", rows), full_mapping(contract), shop)
    found = {number: rest for number, *rest in quarantine_rows(lake)}
    assert 1 not in found, found[1]
    assert result.entry.rows_read == len(rows)
    return {label: found[number] for number, label in enumerate(changes, 2) if number in found}


every_contract = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.name)


def columns_of(contract: Contract, *kinds: str) -> list[Column]:
    return [column for column in mapped_columns(contract) if column.kind in kinds]


@every_contract
def test_a_full_row_fills_every_column_with_the_right_type(
    lake: Lake, tmp_path: Path, shop: Shop, contract: Contract
) -> None:
    assert fates(lake, tmp_path, shop, contract, {}) == {}
    names = [column.name for column in contract.lake_columns if column.name != "item_index"]
    (row,) = lake_rows(lake, ", ".join(names), contract.name)
    assert [name for name, value in zip(names, row, strict=True) if value is None] == []


@every_contract
def test_a_missing_value_is_quarantined_exactly_where_required(
    lake: Lake, tmp_path: Path, shop: Shop, contract: Contract
) -> None:
    columns = mapped_columns(contract)
    found = fates(lake, tmp_path, shop, contract, {column.name: {column.name: None} for column in columns})
    assert {name: words for name, (_, words, _) in found.items()} == {
        column.name: f"missing_value: {column.name} is missing" for column in columns if column.required
    }


@every_contract
def test_garbage_is_quarantined_with_its_code_and_text(
    lake: Lake, tmp_path: Path, shop: Shop, contract: Contract
) -> None:
    columns = columns_of(contract, *GARBAGE)
    changes = {column.name: {column.name: GARBAGE[column.kind][0]} for column in columns}
    found = fates(lake, tmp_path, shop, contract, changes)
    assert {name: code for name, (code, _, _) in found.items()} == {
        column.name: GARBAGE[column.kind][1] for column in columns
    }
    for column in columns:
        garbage = GARBAGE[column.kind][0]
        assert f"{column.name} is '{garbage}', expected" in found[column.name][1]
        assert json.loads(found[column.name][2])[column.name] == garbage


@every_contract
@pytest.mark.parametrize("side", ["below", "above"])
def test_values_outside_the_bounds_are_quarantined(
    lake: Lake, tmp_path: Path, shop: Shop, contract: Contract, side: str
) -> None:
    columns = columns_of(contract, "integer", "money", "timestamp")
    found = fates(
        lake, tmp_path, shop, contract, {column.name: {column.name: beyond(column, side)} for column in columns}
    )
    assert {name: code for name, (code, _, _) in found.items()} == {column.name: "out_of_range" for column in columns}


def beyond(column: Column, side: str) -> str:
    """A value just outside the column's bound; where none is stated, one that no column can hold."""
    bound = column.minimum if side == "below" else column.maximum
    if column.kind == "timestamp":
        return "1989-12-31 23:59:59" if side == "below" else "2100-01-01 00:00:00"
    if bound is None:
        return "-1e30" if side == "below" else "1e30"
    return repr(float(bound) - 1) if side == "below" else repr(float(bound) + 1)


@every_contract
def test_values_on_the_bounds_get_in(lake: Lake, tmp_path: Path, shop: Shop, contract: Contract) -> None:
    changes = {
        f"{column.name} {bound}": {column.name: str(bound)}
        for column in columns_of(contract, "integer", "money")
        for bound in (column.minimum, column.maximum)
        if bound is not None
    }
    assert fates(lake, tmp_path, shop, contract, changes) == {}


@every_contract
def test_numbers_that_are_none_never_become_null_in_silence(
    lake: Lake, tmp_path: Path, shop: Shop, contract: Contract
) -> None:
    changes = {
        f"{column.name} {value}": {column.name: value}
        for column in columns_of(contract, "integer", "money")
        for value in ("nan", "inf", "-inf", "1e400", "--5", "0x10")
    }
    found = fates(lake, tmp_path, shop, contract, changes)
    assert set(found) == set(changes)
    assert {code for code, _, _ in found.values()} <= {"out_of_range", "bad_number"}


@every_contract
def test_unknown_words_are_quarantined(lake: Lake, tmp_path: Path, shop: Shop, contract: Contract) -> None:
    columns = [column for column in mapped_columns(contract) if column.allowed]
    found = fates(lake, tmp_path, shop, contract, {column.name: {column.name: "no_such_word"} for column in columns})
    expected = {
        column.name: "unknown_event_name" if column.name == "event_name" else "unknown_value" for column in columns
    }
    assert {name: code for name, (code, _, _) in found.items()} == expected


def test_an_order_event_must_name_its_order(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    names = ("purchase", "refund", "cancel_order", "page_view")
    changes = {name: {"event_name": name, "order_id": ""} for name in names}
    found = fates(lake, tmp_path, shop, CONTRACTS["events"], changes)
    assert {name: code for name, (code, _, _) in found.items()} == dict.fromkeys(names[:3], "missing_order_id")


def test_a_row_lists_all_its_reasons_and_every_code_is_documented(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    bad = {"quantity": "x", "event_ts": "y", "event_name": "z", "properties": "[", "currency": "euro", "price": "1e30"}
    ((code, words, _),) = fates(lake, tmp_path, shop, CONTRACTS["events"], {"bad": dict(bad)}).values()
    codes = [reason.split(":")[0] for reason in words.split("; ")]
    assert code == codes[0]
    assert set(codes) == {"bad_number", "bad_time", "unknown_event_name", "bad_json", "unknown_value", "out_of_range"}
    assert set(codes) <= set(REASONS)

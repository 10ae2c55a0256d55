"""The typed shape of a source mapping: what keys a mapping file may have, and which go together.

Checks against the contract (do the columns exist, are the event names known) are in
``ingestion.mapping_checks``; ``ingestion.mapping.load_mapping`` does both.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingestion.contract import CONTRACT_VERSION, CONTRACTS
from ingestion.contract_model import Contract
from ingestion.expressions import Expression, ExpressionError, parse_expression

ITEMS_TOTAL = "items_total"
EPOCH_UNITS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _check_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} is no time zone, expected an IANA name such as Europe/London") from error
    return zone


def _check_sql(text: str) -> str:
    try:
        parse_expression(text)
    except ExpressionError as error:
        raise ValueError(str(error)) from error
    return text


class FileFormat(_Strict):
    """How the bytes are laid out; compression is told by the file's name (.gz, .zst)."""

    type: Literal["csv", "jsonl", "parquet"]
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    header: bool = True
    columns: tuple[str, ...] = ()  # names of the fields of a CSV file without header
    null_values: tuple[str, ...] = ()  # texts that mean "unknown", besides the empty one
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"

    @model_validator(mode="after")
    def _columns_or_header(self) -> FileFormat:
        if self.type == "csv" and not self.header and not self.columns:
            raise ValueError("a CSV file without header needs `columns`, the names of its fields in order")
        if self.columns and (self.header or self.type != "csv"):
            raise ValueError("`columns` is for CSV files with `header: false`")
        return self


class ColumnRule(_Strict):
    """Where one contract column comes from: exactly one of column, constant, sql, hash_of, items_total."""

    column: str | None = None  # a source column; `a.b` reaches into nested JSON or structs
    constant: str | int | float | bool | None = None
    sql: str | None = None  # one scalar expression over source columns
    hash_of: tuple[str, ...] = ()  # a hash over these source columns
    items_total: bool = False  # sum(price * quantity - discount) over the event's rows
    map: dict[str, str | None] | None = None  # source value -> contract value; others are quarantined
    time: str | None = None  # epoch_s, epoch_ms, epoch_us, iso or a strptime format
    zone: str = "UTC"  # zone of times that name none
    only_for: tuple[str, ...] = ()  # event names; the column is null for the others
    or_: Literal["items_total"] | None = Field(default=None, alias="or")

    @model_validator(mode="before")
    @classmethod
    def _scalar_map(cls, data: Any) -> Any:
        # YAML reads an unquoted key such as 1 or true as number or boolean; logs hold text.
        if isinstance(data, dict) and isinstance(data.get("map"), dict):
            data = {**data, "map": {_yaml_text(key): value for key, value in data["map"].items()}}
        return data

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnRule:
        given = [
            name
            for name, present in (
                ("column", self.column is not None),
                ("constant", self.constant is not None),
                ("sql", self.sql is not None),
                ("hash_of", bool(self.hash_of)),
                (ITEMS_TOTAL, self.items_total),
            )
            if present
        ]
        if len(given) != 1:
            raise ValueError(
                f"expected exactly one of column, constant, sql, hash_of; found {' and '.join(given) or 'none'}"
            )
        if self.map is not None and self.column is None and self.sql is None:
            raise ValueError("`map` needs `column` or `sql`")
        return self

    _zone = field_validator("zone")(_check_zone)

    @field_validator("sql")
    @classmethod
    def _sql(cls, text: str | None) -> str | None:
        return None if text is None else _check_sql(text)

    @field_validator("time")
    @classmethod
    def _time(cls, text: str | None) -> str | None:
        if text is not None and text not in (*EPOCH_UNITS, "iso") and "%" not in text:
            raise ValueError(
                f"{text!r}: expected epoch_s, epoch_ms, epoch_us, iso or a strptime format such as %Y-%m-%d %H:%M:%S"
            )
        return text

    @property
    def expression(self) -> Expression | None:
        """The checked ``sql``, if that is the origin."""
        return None if self.sql is None else parse_expression(self.sql)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Source columns the rule reads."""
        if self.column is not None:
            return (self.column,)
        return self.expression.columns if self.expression else self.hash_of


def _yaml_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Unnest(_Strict):
    """A list inside a row whose elements are the event's items (fields addressed as ``item.<field>``)."""

    column: str


class Arrival(_Strict):
    """Which day a row belongs to in the lake."""

    rule: Literal["event_day", "received", "file_name", "ingest_day"]
    pattern: str | None = None  # for file_name: a regular expression with one group that holds YYYY-MM-DD or YYYYMMDD

    @model_validator(mode="after")
    def _pattern(self) -> Arrival:
        if (self.rule == "file_name") != (self.pattern is not None):
            raise ValueError("`pattern` goes with `rule: file_name`, and only with it")
        if self.pattern is not None:
            try:
                groups = re.compile(self.pattern).groups
            except re.error as error:
                raise ValueError(f"pattern {self.pattern!r} is no regular expression: {error}") from error
            if groups != 1:
                raise ValueError(f"pattern {self.pattern!r} has {groups} groups, expected one that holds the date")
        return self


class ShopDefaults(_Strict):
    """Settings of a shop that this mapping is the first to bring."""

    timezone: str | None = None
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")

    @field_validator("timezone")
    @classmethod
    def _zone(cls, zone: str | None) -> str | None:
        return None if zone is None else _check_zone(zone)


class SourceMapping(_Strict):
    """A checked source mapping. ``fingerprint`` changes whenever its rows could."""

    source: str = Field(pattern=r"^[a-z0-9][a-z0-9_]*$")
    description: str = ""
    contract: str = "events"
    format: FileFormat
    unnest: Unnest | None = None
    keep: str | None = None
    columns: dict[str, ColumnRule]
    event_id: ColumnRule | None = None  # the source's own id: one source row is one delivery of an event
    event_key: tuple[str, ...] = ()  # natural key: source rows that share it are the items of one event
    event_key_for: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    identical_rows: Literal["keep", "drop"] | None = None
    arrival: Arrival
    shop: ShopDefaults = Field(default_factory=ShopDefaults)

    @field_validator("columns", mode="before")
    @classmethod
    def _short_forms(cls, columns: Any) -> Any:
        return {name: _long_form(rule) for name, rule in columns.items()} if isinstance(columns, dict) else columns

    @field_validator("event_id", mode="before")
    @classmethod
    def _short_id(cls, rule: Any) -> Any:
        return _long_form(rule, reserved=False)

    @field_validator("keep")
    @classmethod
    def _keep(cls, text: str | None) -> str | None:
        return None if text is None else _check_sql(text)

    @property
    def contract_definition(self) -> Contract:
        """The contract that the rows follow."""
        return CONTRACTS[self.contract]

    @property
    def fingerprint(self) -> str:
        """Hex digest over everything that decides what the rows become (descriptions do not)."""
        content = self.model_dump(mode="json", exclude={"description"}, by_alias=True)
        text = json.dumps([CONTRACT_VERSION, content], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Every source column the mapping reads, each once, in order of first use."""
        names: dict[str, None] = {}
        for rule in (*self.columns.values(), *((self.event_id,) if self.event_id else ())):
            names.update(dict.fromkeys(rule.source_columns))
        names.update(dict.fromkeys(self.event_key))
        for key in self.event_key_for.values():
            names.update(dict.fromkeys(key))
        if self.keep is not None:
            names.update(dict.fromkeys(parse_expression(self.keep).columns))
        return tuple(names)


def _long_form(rule: Any, reserved: bool = True) -> Any:
    """``user_id`` means ``{column: user_id}``; ``items_total`` is the one reserved word."""
    if reserved and rule == ITEMS_TOTAL:
        return {ITEMS_TOTAL: True}
    return {"column": rule} if isinstance(rule, str) else rule

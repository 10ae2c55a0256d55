"""SQL that turns one source value into one contract value, by the column's kind; and the checks of it.

Nothing here knows a column by name: every rule follows from ``Column`` and the mapping's rule. A
``Check`` is a condition that makes a row unfit, with its reason code and the SQL of its words.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingestion.contract import CURRENCY_EXPONENTS, DEFAULT_EXPONENT
from ingestion.contract_model import Column
from ingestion.expressions import quote_identifier, quote_literal
from ingestion.mapping_models import EPOCH_UNITS, ColumnRule

#: Reason codes and what they mean; the docs table and the tests read this.
REASONS: dict[str, str] = {
    "malformed_row": "the record cannot be taken apart: broken JSON, wrong number of CSV fields, wrong encoding",
    "missing_value": "a value that the contract requires is empty",
    "missing_order_id": "a purchase, refund or cancellation without order id",
    "unknown_event_name": "the event's name is neither in the mapping's `map` nor a name of the contract",
    "unknown_value": "the value is neither in the mapping's `map` nor allowed by the contract",
    "bad_number": "the text is no number, or has a fraction where a whole number is expected",
    "bad_time": "the text is no date or time in the format that the mapping states",
    "bad_boolean": "the text is no true or false",
    "bad_json": "the text is no JSON object",
    "bad_expression": "the mapping's SQL expression fails on this row",
    "out_of_range": "number or time outside the bounds of the contract (a quantity of 1e16, a date in 1970)",
}

_NUMBERS = {
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "HUGEINT",
    "UHUGEINT",
    "DOUBLE",
    "FLOAT",
}
# Whole numbers up to here are exact in a DOUBLE, which reads '17850.0', '1e3' and '42' alike.
_EXACT = 9_000_000_000_000_000


@dataclass(frozen=True)
class Check:
    """``condition`` (SQL, true = unfit) with its reason ``code`` and ``words`` (SQL text)."""

    condition: str
    code: str
    words: str


@dataclass(frozen=True)
class Cast:
    """How a column is computed: helper columns from ``__s_x``, then the value, then its checks."""

    helpers: dict[str, str]
    value: str
    checks: list[Check]


def is_number(type_name: str) -> bool:
    """Whether a DuckDB type name is numeric."""
    return type_name in _NUMBERS or type_name.startswith("DECIMAL")


def text_sql(sql: str, type_name: str) -> str:
    """SQL for a value as trimmed text, NULL when empty; a float without fraction loses its '.0'."""
    if type_name == "VARCHAR":
        return f"nullif(trim({sql}), '')"
    if type_name in ("DOUBLE", "FLOAT"):
        whole = f"isfinite({sql}) AND {sql} = trunc({sql}) AND abs({sql}) < {_EXACT}"
        return f"CASE WHEN {whole} THEN {sql}::BIGINT::VARCHAR WHEN isfinite({sql}) THEN {sql}::VARCHAR END"
    if type_name.startswith("DECIMAL"):
        return f"CASE WHEN {sql} = trunc({sql}) THEN trunc({sql})::DECIMAL(38, 0)::VARCHAR ELSE {sql}::VARCHAR END"
    return f"({sql})::VARCHAR"


def _words(name: str, source: str, expected: str) -> str:
    """SQL of "<name> is '<source value>', expected <expected>"."""
    opening, closing = quote_literal(f"{name} is '"), quote_literal(f"', expected {expected}")
    return f"{opening} || left(({source})::VARCHAR, 80) || {closing}"


def minor_units_sql(currency: str) -> str:
    """SQL for how many minor units make one major unit of the currency expression."""
    exponents: dict[int, list[str]] = {}
    for code, exponent in CURRENCY_EXPONENTS.items():
        exponents.setdefault(exponent, []).append(quote_literal(code))
    cases = " ".join(
        f"WHEN {currency} IN ({', '.join(codes)}) THEN {10**exponent}" for exponent, codes in exponents.items()
    )
    return f"(CASE {cases} ELSE {10**DEFAULT_EXPONENT} END)::DECIMAL(4, 0)"


def cast_column(column: Column, rule: ColumnRule, type_name: str, currency: str) -> Cast:
    """The ``Cast`` of ``column``, whose source value is ``__s_<name>`` of DuckDB type ``type_name``.

    Source values that are text come trimmed. ``currency`` is SQL for the row's currency code. Money is
    read as major units and rounded half away from zero to whole minor units.
    """
    source = quote_identifier(f"__s_{column.name}")
    if column.kind == "text":
        return _text(column, source, type_name)
    if column.kind == "json":
        return _json(column, source, type_name)
    if column.kind == "boolean":
        value = f"TRY_CAST({source} AS BOOLEAN)"
        checks = [_unreadable(column, source, "bad_boolean", "true or false")]
        return Cast({}, value, [*checks, *_required(column, source)])
    if column.kind in ("timestamp", "date"):
        return _time(column, rule, source, type_name)
    return _number(column, source, currency)


def enum_type(column: Column) -> str:
    """DuckDB type of the values that ``column`` allows."""
    return f"ENUM({', '.join(quote_literal(value) for value in column.allowed)})"


def _required(column: Column, source: str) -> list[Check]:
    if not column.required:
        return []
    return [Check(f"{source} IS NULL", "missing_value", quote_literal(f"{column.name} is missing"))]


def _unreadable(column: Column, source: str, code: str, expected: str) -> Check:
    unread = f"{source} IS NOT NULL AND {quote_identifier(column.name)} IS NULL"
    return Check(unread, code, _words(column.name, source, expected))


def _text(column: Column, source: str, type_name: str) -> Cast:
    checks = []
    if column.allowed:
        code = "unknown_event_name" if column.name == "event_name" else "unknown_value"
        words = _words(column.name, source, "one of " + ", ".join(column.allowed))
        name = quote_identifier(column.name)
        unknown = f"{name} IS NOT NULL AND TRY_CAST({name} AS {enum_type(column)}) IS NULL"
        checks.append(Check(unknown, code, words))
    if column.name == "currency":
        unknown = f"NOT regexp_full_match({source}, '[A-Z]{{3}}')"
        checks.append(Check(unknown, "unknown_value", _words(column.name, source, "a three-letter code (ISO 4217)")))
    return Cast(
        {}, source if type_name == "VARCHAR" else text_sql(source, type_name), [*checks, *_required(column, source)]
    )


def _json(column: Column, source: str, type_name: str) -> Cast:
    text = source if type_name == "VARCHAR" else f"to_json({source})::VARCHAR"
    value = f"CASE WHEN json_valid({text}) THEN CASE WHEN json_type({text}) = 'OBJECT' THEN {text} END END"
    return Cast({}, value, [_unreadable(column, source, "bad_json", "a JSON object"), *_required(column, source)])


def _number(column: Column, source: str, currency: str) -> Cast:
    """Whole numbers and money; both go through DOUBLE for range and sense, money through DECIMAL for exactness."""
    name = quote_identifier(column.name)
    double = quote_identifier(f"__d_{column.name}")
    helpers = {f"__d_{column.name}": f"TRY_CAST({source} AS DOUBLE)"}
    low = float(column.minimum) if column.minimum is not None else -_EXACT
    high = float(column.maximum) if column.maximum is not None else _EXACT
    inside = f"isfinite({double}) AND {double} BETWEEN {low!r} AND {high!r}"
    bounds = f"a number from {low:,.0f} to {high:,.0f}"
    if column.kind == "money":
        exact = quote_identifier(f"__x_{column.name}")
        helpers[f"__x_{column.name}"] = f"TRY_CAST({source} AS DECIMAL(24, 8))"
        value = f"CASE WHEN {inside} THEN round({exact} * {minor_units_sql(currency)}, 0)::BIGINT END"
        expected = "an amount in major units"
        checks = []
    else:
        value = f"CASE WHEN {inside} AND {double} = trunc({double}) THEN {double}::BIGINT END"
        expected = "a whole number"
        fraction = f"isfinite({double}) AND {double} <> trunc({double})"
        checks = [Check(fraction, "bad_number", _words(column.name, source, expected))]
    unread = f"{source} IS NOT NULL AND {double} IS NULL"
    checks.append(Check(unread, "bad_number", _words(column.name, source, expected)))
    outside = f"{double} IS NOT NULL AND NOT ({inside})"
    checks.append(Check(outside, "out_of_range", _words(column.name, source, bounds)))
    if column.kind == "money":  # what neither check above caught must not become a silent null
        lost = f"{inside} AND {name} IS NULL"
        checks.append(Check(lost, "bad_number", _words(column.name, source, expected)))
    return Cast(helpers, value, [*checks, *_required(column, source)])


def _to_utc(naive: str, zone: str) -> str:
    return naive if zone == "UTC" else f"timezone('UTC', timezone({quote_literal(zone)}, {naive}))"


def _time(column: Column, rule: ColumnRule, source: str, type_name: str) -> Cast:
    """Times to naive UTC timestamps; text with an offset is taken at its word, without one the rule's zone holds."""
    helper = quote_identifier(f"__d_{column.name}")
    helpers: dict[str, str] = {}
    if rule.time in EPOCH_UNITS:
        helpers[f"__d_{column.name}"] = f"TRY_CAST({source} AS DOUBLE)"
        scale = EPOCH_UNITS[rule.time]
        inside = f"abs({helper}) < {_EXACT // scale}"
        value = f"CASE WHEN {inside} THEN make_timestamp(round({helper} * {scale})::BIGINT) END"
        expected = f"a time as {rule.time}"
    elif type_name in ("TIMESTAMP", "DATE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
        value, expected = _to_utc(f"({source})::TIMESTAMP", rule.zone), "a time"
    elif type_name == "TIMESTAMP WITH TIME ZONE":
        value, expected = f"timezone('UTC', {source})", "a time"
    elif rule.time in (None, "iso"):
        text = f"({source})::VARCHAR"
        has_offset = quote_literal(r"[0-9](\s*[Zz]|\s*[+-][0-9]{2}(:?[0-9]{2})?)\s*$")
        offset = f"contains({text}, ':') AND regexp_matches({text}, {has_offset})"
        with_offset = f"timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ))"
        value = f"CASE WHEN {offset} THEN {with_offset} ELSE {_to_utc(f'TRY_CAST({text} AS TIMESTAMP)', rule.zone)} END"
        expected = "an ISO 8601 time"
    else:
        form = str(rule.time)
        parsed = f"try_strptime(({source})::VARCHAR, {quote_literal(form)})"
        value = f"timezone('UTC', {parsed})" if "%z" in form else _to_utc(parsed, rule.zone)
        expected = f"a time as {rule.time}"
    name = quote_identifier(column.name)
    if column.kind == "date":
        # A date is a calendar day, not a moment: it must not move with a zone.
        value = value if rule.time in EPOCH_UNITS else f"({_naive(source, rule, type_name)})"
        return Cast(
            helpers,
            f"({value})::DATE",
            [_unreadable(column, source, "bad_time", expected), *_required(column, source)],
        )
    checks = []
    if rule.time in EPOCH_UNITS:
        checks.append(
            Check(f"{source} IS NOT NULL AND {helper} IS NULL", "bad_time", _words(column.name, source, expected))
        )
        lost = f"{helper} IS NOT NULL AND {name} IS NULL"
        checks.append(Check(lost, "out_of_range", _words(column.name, source, expected)))
    else:
        checks.append(_unreadable(column, source, "bad_time", expected))
    if column.minimum is not None and column.maximum is not None:
        low, high = f"TIMESTAMP '{column.minimum}'", f"TIMESTAMP '{column.maximum}'"
        outside = f"{name} < {low} OR {name} >= {high}"
        words = _words(column.name, source, f"a time from {column.minimum} to {column.maximum}")
        checks.append(Check(outside, "out_of_range", words))
    return Cast(helpers, value, [*checks, *_required(column, source)])


def _naive(source: str, rule: ColumnRule, type_name: str) -> str:
    """The calendar time written in the value, whatever its zone."""
    if type_name == "VARCHAR" and rule.time not in (None, "iso"):
        return f"try_strptime({source}, {quote_literal(str(rule.time))})::TIMESTAMP"
    return f"TRY_CAST({source} AS TIMESTAMP)"

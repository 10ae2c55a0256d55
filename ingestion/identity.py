"""What makes an event itself and what tells two deliveries of it apart: SQL of ids and content hashes.

Both are worked out from columns of ``ff_cells`` when a row is written, after sorting, so that no load
drags a hundred bytes of hashes a row through it; until then rows are compared by the columns themselves.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from ingestion.expressions import quote_identifier, quote_literal
from ingestion.mapping_models import ColumnRule, SourceMapping
from ingestion.row_checks import mark

_SEPARATOR = "chr(31)"
_DIGITS = 20


def hash_sql(parts: list[str]) -> str:
    """SQL of the first 80 bits of the md5 over the parts that are not null.

    Ids are compared within one shop's day: among 100 million, two are equal by chance once in 10^8 days.
    """
    return f"left(md5(concat_ws({_SEPARATOR}, {', '.join(parts)})), {_DIGITS})"


def hash_of_sql(source: str, names: tuple[str, ...]) -> str:
    """SQL of ``hash_of``: null when every one of the source columns ``names`` is."""
    known = " OR ".join(f"{quote_identifier(name)} IS NOT NULL" for name in names)
    parts = [quote_literal(source), *(f"coalesce({quote_identifier(name)}::VARCHAR, '')" for name in names)]
    return f"CASE WHEN {known} THEN {hash_sql(parts)} END"


def content_sql(mapping: SourceMapping, rules: dict[str, ColumnRule], columns: dict[str, str]) -> str:
    """SQL of the hash over what a row says, by column name; when it was received is not part of what it says.

    The hash tells deliveries of one event apart. A column that follows from the event's key is equal in all of
    them as long as its rule is: the rule goes into the hash in its place, which then has few values.
    """
    keyed = bool(mapping.event_key)
    keys = (mapping.event_key, *mapping.event_key_for.values())
    silent = ("received_ts", "event_id", *(("event_name",) if keyed else ()))  # a keyed event's id has its name
    parts: list[str] = []
    followed: dict[str, object] = {}
    for name, sql in columns.items():
        if name in silent:
            continue
        part = f"{quote_literal(name + '=')} || ({sql})::VARCHAR"
        rule = rules.get(name)
        needed = set(rule.hash_of or rule.source_columns) if rule and not rule.sql else set()
        # an amount follows from its currency too
        if not keyed or not needed or mapping.contract_definition.column(name).kind == "money":
            parts.append(part)
            continue
        without = _events(mapping, [not needed <= set(key) for key in keys])
        if without != "true":
            followed[name] = rule.model_dump(mode="json", by_alias=True) if rule else None
        if without != "false":
            parts.append(part if without == "true" else f"CASE WHEN {without} THEN {part} END")
    if followed:
        rules_text = json.dumps(followed, sort_keys=True)
        parts.insert(0, quote_literal(hashlib.sha256(rules_text.encode()).hexdigest()[:_DIGITS]))
    return hash_sql(parts or ["''"])


def _events(mapping: SourceMapping, answers: list[bool]) -> str:
    """SQL condition: the event is one whose answer is true; ``true`` or ``false`` when it is so for all or none.

    ``answers`` are for ``event_key`` and then for each of ``event_key_for``.
    """
    others, *special = answers
    named = [event for event, answer in zip(mapping.event_key_for, special, strict=True) if answer != others]
    if not named:
        return str(others).lower()
    events = ", ".join(quote_literal(event) for event in named)
    return f"event_name::VARCHAR {'NOT IN' if others else 'IN'} ({events})"


@dataclass(frozen=True)
class EventKey:
    """The natural key of a mapping's events.

    ``stored`` are helper columns that ``ff_cells`` needs (name, SQL over source columns), ``event_id`` the
    id's SQL over ``ff_cells``, ``identity`` SQL that is equal for rows of one event, cheaper than the id.
    """

    stored: dict[str, str]
    event_id: str
    identity: str


def event_key(mapping: SourceMapping, rules: dict[str, ColumnRule], types: dict[str, str]) -> EventKey:
    """The ``EventKey`` of ``mapping``, whose source columns have the DuckDB ``types``.

    A key column that some text column of the contract carries unchanged is not stored twice.
    """
    contract = mapping.contract_definition
    carried: dict[str, str] = {}
    for name, rule in rules.items():
        if rule.column is None or rule.map is not None or rule.only_for or types[rule.column] != "VARCHAR":
            continue
        column = contract.column(name)
        # an allowed value is stored as an enum; free text may lose ids; a currency is put in capitals
        if (
            column.kind == "text"
            and not column.allowed
            and column.pii != "text"
            and name not in ("event_id", "currency")
        ):
            carried.setdefault(rule.column, quote_identifier(name))
    keys = [mapping.event_key, *mapping.event_key_for.values()]
    names = list(dict.fromkeys(name for key in keys for name in key))
    stored = {f"__k_{name}": f"trim({quote_identifier(name)}::VARCHAR)" for name in names if name not in carried}
    values = {name: carried.get(name, mark("k", name)) for name in names}

    def hashed(key: tuple[str, ...]) -> str:
        parts = (f"coalesce({values[name]}, '')" for name in key)
        return hash_sql([quote_literal(mapping.source), "coalesce(event_name::VARCHAR, '')", *parts])

    special = " ".join(
        f"WHEN {quote_literal(event)} THEN {hashed(key)}" for event, key in mapping.event_key_for.items()
    )
    default = hashed(mapping.event_key)
    event_id = f"CASE event_name::VARCHAR {special} ELSE {default} END" if special else default
    return EventKey(stored, event_id, f"hash(event_name, {', '.join(_compared(mapping, values))})")


def _compared(mapping: SourceMapping, values: dict[str, str]) -> list[str]:
    """Each key column, null for the events whose key it is not part of."""
    compared = []
    for name, value in values.items():
        concerned = _events(mapping, [name in key for key in (mapping.event_key, *mapping.event_key_for.values())])
        text = f"coalesce({value}, '')"
        compared.append(text if concerned == "true" else f"CASE WHEN {concerned} THEN {text} END")
    return compared

"""Checks of a mapping against the contract: columns that exist, names that are known, one identity."""

from __future__ import annotations

import difflib

from ingestion.contract import CONTRACTS, EVENT_NAMES
from ingestion.mapping_models import ColumnRule, SourceMapping


def contract_problems(mapping: SourceMapping) -> list[str]:
    """What the mapping asks for that the contract does not allow, as 'key path: words'."""
    if mapping.contract not in CONTRACTS:
        return [f"contract: {mapping.contract!r} is unknown, expected one of {', '.join(CONTRACTS)}"]
    contract = mapping.contract_definition
    kinds = {column.name: column.kind for column in contract.mappable}
    computed = {"event_id", "item_index"} if contract.name == "events" else set()
    problems = []
    for name, rule in mapping.columns.items():
        path = f"columns.{name}"
        if name in computed:
            hint = "use the keys event_id or event_key" if name == "event_id" else "it is counted inside the event"
            problems.append(f"{path}: cannot be mapped, {hint}")
        elif name not in kinds:
            near = difflib.get_close_matches(name, kinds, n=3, cutoff=0.5)
            stamped = any(column.name == name for column in contract.lake_columns)
            hint = f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(kinds)}"
            problems.append(
                f"{path}: {'is filled by ingestion itself' if stamped else 'no such contract column'}; {hint}"
            )
        else:
            problems.extend(f"{path}.{text}" for text in _rule_problems(mapping, name, kinds[name], rule))
    problems.extend(_identity_problems(mapping))
    for column in contract.mappable:
        if column.required and column.name not in mapping.columns and column.name not in computed:
            problems.append(f"columns.{column.name}: missing, the {contract.name} contract requires it")
    if mapping.arrival.rule == "received" and "received_ts" not in mapping.columns:
        problems.append("arrival.rule: `received` needs columns.received_ts")
    return problems


def _rule_problems(mapping: SourceMapping, name: str, kind: str, rule: ColumnRule) -> list[str]:
    problems = []
    if (rule.items_total or rule.or_) and (mapping.contract, name) != ("events", "value"):
        problems.append("items_total: only columns.value of the events contract can be a total of items")
    if (rule.items_total or rule.or_) and not {"price", "quantity"} <= set(mapping.columns):
        problems.append("items_total: needs columns.price and columns.quantity")
    if rule.time is not None and kind not in ("timestamp", "date"):
        problems.append(f"time: {name} is {kind}, expected a timestamp or date column")
    unknown = [event for event in rule.only_for if event not in EVENT_NAMES]
    if rule.only_for and (mapping.contract != "events" or name == "event_name"):
        problems.append("only_for: works on columns of the events contract other than event_name")
    elif unknown:
        problems.append(f"only_for: {unknown[0]!r} is no event name; {_near_event(unknown[0])}")
    allowed = next(column.allowed for column in mapping.contract_definition.mappable if column.name == name)
    targets = [*(rule.map or {}).values(), *([rule.constant] if rule.constant is not None else [])]
    for target in targets:
        if allowed and target is not None and target not in allowed:
            near = difflib.get_close_matches(str(target), allowed, n=2) or allowed
            problems.append(
                f"{'map' if rule.map else 'constant'}: {target!r} is not allowed, expected {', '.join(near)}"
            )
    return problems


def _near_event(name: str) -> str:
    return f"expected one of {', '.join(difflib.get_close_matches(name, EVENT_NAMES, n=3) or EVENT_NAMES)}"


def _identity_problems(mapping: SourceMapping) -> list[str]:
    """How events get their id: the source's own or a natural key, and only in the events contract."""
    if mapping.contract != "events":
        given = [key for key in ("event_id", "event_key", "event_key_for") if getattr(mapping, key)]
        return [f"{key}: belongs to the events contract" for key in given]
    if (mapping.event_id is None) == (not mapping.event_key):
        return ["event_id: expected exactly one of event_id (the source's own id) and event_key (a natural key)"]
    problems = []
    if mapping.event_key and mapping.identical_rows is None:
        problems.append(
            "identical_rows: expected keep or drop, since event_key cannot tell a repeat from a second unit"
        )
    if mapping.event_key and mapping.unnest:
        problems.append("unnest: goes with event_id; with event_key the rows themselves are the items")
    if mapping.event_id and (mapping.identical_rows or mapping.event_key_for):
        problems.append("event_id: excludes identical_rows and event_key_for (a repeated id is a repeated delivery)")
    if mapping.event_id and (mapping.event_id.items_total or mapping.event_id.only_for or mapping.event_id.or_):
        problems.append("event_id: expected column, sql or hash_of")
    problems.extend(
        f"event_key_for.{name}: is no event name; {_near_event(name)}"
        for name in mapping.event_key_for
        if name not in EVENT_NAMES
    )
    return problems

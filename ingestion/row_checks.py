"""All checks of one row, from the contract and the mapping: the same list decides and explains.

The conditions read the levels that ``ingestion.validation`` builds: ``__m_x`` (value as found), ``__s_x``
(after map and ``only_for``), ``x`` (after the cast), ``__e_x`` (the expression failed), ``__malformed``.
"""

from __future__ import annotations

from ingestion.casting import Cast, Check
from ingestion.expressions import quote_identifier, quote_literal
from ingestion.mapping_models import ColumnRule, SourceMapping

_SOUND = "__malformed IS NULL AND "
# Minor units; far above any order, and a hundred thousand of them still fit a BIGINT when summed.
_MAX_ROW_TOTAL = 90_000_000_000_000


def mark(prefix: str, name: str) -> str:
    """Identifier of a helper column of contract column ``name``."""
    return quote_identifier(f"__{prefix}_{name}")


def row_checks(mapping: SourceMapping, rules: dict[str, ColumnRule], casts: dict[str, Cast]) -> list[Check]:
    """Every check that a row of ``mapping`` must pass, in the order in which reasons are listed."""
    checks = [Check("__malformed IS NOT NULL", "malformed_row", "__malformed")]
    for name, cast in casts.items():
        rule = rules.get(name)
        if rule is not None and rule.expression:
            words = quote_literal(f"{name}: the mapping's expression fails: {rule.sql}")
            checks.append(Check(mark("e", name), "bad_expression", words))
        found = [Check(f"{_SOUND}({check.condition})", check.code, check.words) for check in cast.checks]
        if rule is not None and rule.map is not None:
            # The map's own check names the value as the source wrote it.
            found = [_map_check(name, rule), *(check for check in found if not check.code.startswith("unknown"))]
        checks.extend(found)
    for requirement in mapping.contract_definition.requirements:
        column = quote_identifier(requirement.column) if requirement.column in casts else "NULL"
        condition = f"{_SOUND}({requirement.when}) AND {column} IS NULL"
        checks.append(Check(condition, f"missing_{requirement.column}", quote_literal(requirement.reason)))
    if mapping.arrival.rule == "received":
        words = quote_literal("received_ts is missing, which says the arrival day")
        checks.append(Check(f"{_SOUND}{mark('s', 'received_ts')} IS NULL", "missing_value", words))
    value = mapping.columns.get("value")
    if value is not None and (value.items_total or value.or_):
        total = "(price::HUGEINT * quantity)"
        words = f"'price * quantity is ' || {total} || ' minor units, expected at most {_MAX_ROW_TOTAL:,}'"
        checks.append(Check(f"{_SOUND}abs({total}) > {_MAX_ROW_TOTAL}", "out_of_range", words))
    return checks


def _map_check(name: str, rule: ColumnRule) -> Check:
    """A value that the mapping's ``map`` does not list (of an event that the rule is for)."""
    keys = list(rule.map or {})
    listed = ", ".join(quote_literal(key) for key in keys) or "NULL"
    origin = mark("t", name)
    code = "unknown_event_name" if name == "event_name" else "unknown_value"
    expected = quote_literal("', expected one of " + ", ".join(keys))
    words = f"{quote_literal(name + ' comes from ')} || '''' || left({origin}, 80) || {expected}"
    events = ", ".join(quote_literal(event) for event in rule.only_for)
    concerned = f"__s_event_name IN ({events}) AND " if events else ""
    return Check(f"{_SOUND}{concerned}{origin} NOT IN ({listed})", code, words)

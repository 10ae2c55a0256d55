"""Renders ``docs/event-contract.md`` from the contract; a test holds the committed page to it.

``python -m ingestion.contract_docs`` writes the page anew.
"""

from __future__ import annotations

from pathlib import Path

from ingestion.casting import REASONS
from ingestion.contract import CONTRACT_VERSION, CONTRACTS, CURRENCY_EXPONENTS, EVENT_NAMES
from ingestion.contract_model import LINEAGE, Column, Contract

PAGE = Path(__file__).parents[1] / "docs" / "event-contract.md"

_INTRODUCTION = f"""# The data contract, version {CONTRACT_VERSION}

<!-- Written by `python -m ingestion.contract_docs`; edit ingestion/contract.py instead. -->

Every row that enters the lake follows one of these contracts. A source mapping says how a foreign log
becomes such rows; what does not fit goes to quarantine with a reason.

- Times are UTC. Every `*_date` is the shop's own day.
- Money is whole minor units of the row's `currency`; unknown is null, never 0. Mappings read major units and
  round half away from zero.
- `required` columns are never null. Bounds of money are in major units.
- Personal data: columns marked `id` are replaced by keyed pseudonyms where those are switched on, and the
  row's own ids (of six characters and more) also inside its columns marked `text`.
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _rules(column: Column) -> str:
    """The column's rules in words."""
    rules = []
    if column.required:
        rules.append("required")
    if column.allowed and column.allowed != EVENT_NAMES:
        rules.append("one of " + ", ".join(f"`{value}`" for value in column.allowed))
    if column.allowed == EVENT_NAMES:
        rules.append("one of the event names below")
    low, high = (_bound(column, bound) for bound in (column.minimum, column.maximum))
    if low and high:
        rules.append(f"{low} to {'before ' if column.kind == 'timestamp' else ''}{high}")
    elif low:
        rules.append(f"from {low}")
    elif high:
        rules.append(f"up to {high}")
    if column.stamped:
        rules.append("filled by ingestion")
    return "; ".join(rules)


def _bound(column: Column, bound: float | str | None) -> str:
    if bound is None or isinstance(bound, str):
        return bound or ""
    # A year is not a quantity: no thousands separator.
    return str(int(bound)) if column.name.endswith("_year") else f"{bound:,.0f}"


def _table(columns: tuple[Column, ...]) -> list[str]:
    lines = ["| column | kind | rules | personal | meaning |", "|---|---|---|---|---|"]
    for column in columns:
        cells = (f"`{column.name}`", column.kind, _rules(column), column.pii or "", column.description)
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return lines


def _section(contract: Contract) -> list[str]:
    key = ", ".join(f"`{name}`" for name in contract.key)
    lines = [
        f"## {contract.name}",
        "",
        contract.description,
        "",
        f"Key within a shop: {key}. Time: `{contract.time_column}`.",
        "",
    ]
    lines += _table(contract.columns)
    if contract.requirements:
        lines += ["", "Rules across columns:", ""]
        lines += [f"- `{rule.column}` when `{_cell(rule.when)}`: {rule.reason}." for rule in contract.requirements]
    return [*lines, ""]


def render() -> str:
    """The whole page as Markdown."""
    lines = [_INTRODUCTION]
    for contract in CONTRACTS.values():
        lines += _section(contract)
    lines += ["## Lineage", "", "The last columns of every lake file.", "", *_table(LINEAGE), ""]
    lines += ["## Event names", "", ", ".join(f"`{name}`" for name in EVENT_NAMES), ""]
    lines += ["## Why a row is quarantined", "", "| reason | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {_cell(meaning)} |" for code, meaning in REASONS.items()]
    lines += ["", "## Currencies whose minor unit is not a hundredth", "", "| decimals | currencies |", "|---|---|"]
    for exponent in sorted(set(CURRENCY_EXPONENTS.values())):
        codes = sorted(code for code, known in CURRENCY_EXPONENTS.items() if known == exponent)
        lines.append(f"| {exponent} | {', '.join(codes)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")

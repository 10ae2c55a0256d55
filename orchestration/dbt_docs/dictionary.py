"""``docs/data-dictionary``: a page for each domain (dbt group) with all its tables, and an index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.dbt_docs.markdown import GENERATED, cell, table
from orchestration.dbt_docs.project_tables import (
    NO_GROUP,
    Group,
    ProjectTable,
    project_groups,
    project_tables,
)
from orchestration.mart_specs import MODEL_TABLES

_SOURCE = "dbt_project/models (descriptions, contracts, tests)"

_INTRODUCTION = f"""# Data dictionary

{GENERATED.format(source=_SOURCE)}

Every table of the warehouse with its columns, grouped by domain. What is in schema `marts` is published as Parquet
and meant for readers; the rest is how it gets there.

- Every table begins with `shop_id`. Dates are days of the shop's own time zone, times are UTC.
- Money is in integer minor units (`*_minor`) of the shop's currency; unknown is null, never 0.
- Rates are defined once, on the page of [metrics](../metrics.md). The lake's tables follow the
  [contract](../event-contract.md).
- Figures leave out what is taken for a program's (`is_bot`), and say so where they do not; money always counts.
"""


def render_pages(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Pages as Markdown by file name; the same manifest gives the same bytes."""
    tables = project_tables(manifest)
    groups = [group for group in project_groups(manifest) if any(one.group == group.name for one in tables)]
    if any(one.group == NO_GROUP for one in tables):
        groups.append(Group(NO_GROUP, "Other", "Tables that belong to no group yet.", "", 1000))
    pages = {one.name: f"{one.group}.md" for one in tables}
    rendered = {f"{group.name}.md": _page(group, _of(group, tables), pages) for group in groups}
    return {"index.md": _index(groups, tables), **rendered}


def _of(group: Group, tables: list[ProjectTable]) -> list[ProjectTable]:
    """What readers want first: marts, then what they are made of."""
    order = {"marts": 0, "features": 1, "intermediate": 2, "staging": 3}
    return sorted(
        (one for one in tables if one.group == group.name), key=lambda one: (order.get(one.layer, 9), one.name)
    )


def _index(groups: list[Group], tables: list[ProjectTable]) -> str:
    lines = [_INTRODUCTION]
    for group in groups:
        lines += [f"## [{group.title}]({group.name}.md)", "", f"{group.description} Owner: {group.owner}.", ""]
        rows = [
            (f"[`{one.name}`]({group.name}.md#{one.name})", one.schema, _first_sentence(one.description))
            for one in _of(group, tables)
        ]
        lines += [*table(("table", "schema", "what it is"), rows), ""]
    lines += [
        "## Tables written by models",
        "",
        "Python assets write these to schema `ml`; they are published too.",
        "",
    ]
    lines += table(
        ("table", "key", "what it is"),
        [(f"`{spec.name}`", _listed(spec.key), spec.description) for spec in MODEL_TABLES],
    )
    return "\n".join(lines) + "\n"


def _page(group: Group, tables: list[ProjectTable], pages: Mapping[str, str]) -> str:
    lines = [f"# {group.title}", "", GENERATED.format(source=_SOURCE), "", group.description, ""]
    if group.owner:
        lines += [f"Owner: {group.owner}. [All domains](index.md).", ""]
    for one in tables:
        lines += _section(one, pages)
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(one: ProjectTable, pages: Mapping[str, str]) -> list[str]:
    facts = [f"- One row per {_listed(one.key)}." if one.key else "- No key stated.", f"- {one.refresh}"]
    if one.published:
        facts.append(f"- Schema `{one.schema}`, published {one.published}.")
    else:
        facts.append(f"- Schema `{one.schema}`, not published.")
    facts.append(f"- Reads: {_links(one.reads, pages)}.")
    facts.append(f"- Read by: {_links(one.read_by, pages)}.")
    lines = [f"## `{one.name}`", "", " ".join(one.description.split()), "", *facts, f"- [SQL](../../{one.path})", ""]
    rows = [(f"`{column.name}`", column.kind, column.description) for column in one.columns]
    if any(column.kind for column in one.columns):
        lines += table(("column", "type", "meaning"), rows)
    else:
        lines += table(("column", "meaning"), [(name, meaning) for name, _, meaning in rows])
    if one.tests:
        lines += ["", "Tested in every run:", "", *(f"- {cell(test)}" for test in one.tests)]
    return [*lines, ""]


def _links(names: tuple[str, ...], pages: Mapping[str, str]) -> str:
    if not names:
        return "nothing here"
    return ", ".join(_link(name, pages) for name in names)


def _link(name: str, pages: Mapping[str, str]) -> str:
    if name in pages:
        return f"[`{name}`]({pages[name]}#{name})"
    return f"[`{name}`](../event-contract.md)" if name.startswith("lake.") else name


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _first_sentence(text: str) -> str:
    words = " ".join(text.split())
    head, stop, _ = words.partition(". ")
    return head + "." if stop else words

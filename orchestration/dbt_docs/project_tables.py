"""The tables of the dbt manifest, with what a reader wants to know of each, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.dbt_docs.published_exposure import PUBLISHED
from orchestration.dbt_docs.tests_in_words import test_in_words

#: Page of tables that belong to no group; `make lint` does not let a model in.
NO_GROUP = "other"
_LAYERS = ("staging", "intermediate", "features", "marts")
_REACHES = {
    "arrivals": "the arrival days themselves",
    "events": "the dates whose events can arrive on them",
    "sessions": "the dates whose sessions they can change",
    "session_events": "the dates whose events can change session by them",
    "session_funnels": "the dates whose sessions, or their visitors' last visits, they can change",
    "visitor_funnels": "the dates whose visitors they can change, or lie in the funnel's window",
}


@dataclass(frozen=True)
class Column:
    """A column as its yml describes it; ``kind`` is empty where no contract states a type."""

    name: str
    kind: str
    description: str


@dataclass(frozen=True)
class ProjectTable:
    """A model or seed. ``reads`` and ``read_by`` hold names of tables, sources (``lake.…``) and exposures."""

    name: str
    schema: str
    group: str
    layer: str
    path: str
    description: str
    key: tuple[str, ...]
    refresh: str
    published: str
    access: str
    columns: tuple[Column, ...]
    tests: tuple[str, ...]
    reads: tuple[str, ...]
    read_by: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """A dbt group: one page of the dictionary. ``page`` is its place there."""

    name: str
    title: str
    description: str
    owner: str
    page: int


def project_groups(manifest: Mapping[str, Any]) -> list[Group]:
    """The groups in the order of their pages."""
    groups = []
    for group in manifest["groups"].values():
        meta = group.get("config", {}).get("meta", {})
        groups.append(
            Group(
                name=group["name"],
                title=meta.get("title", group["name"].capitalize()),
                description=(group.get("description") or "").strip(),
                owner=group["owner"].get("name") or group["owner"].get("email") or "",
                page=int(meta.get("page", 100)),
            )
        )
    return sorted(groups, key=lambda group: (group.page, group.name))


def project_tables(manifest: Mapping[str, Any]) -> list[ProjectTable]:
    """All models and seeds, layer by layer, by name."""
    tests = _tests_by_table(manifest)
    tables = [
        _table(node, manifest, tests[unique_id])
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    ]
    return sorted(tables, key=lambda table: (_layer_order(table.layer), table.name))


def primary_key(node: Mapping[str, Any], tests: list[Mapping[str, Any]]) -> tuple[str, ...]:
    """What makes a row unique: ``meta.key``, or else the shortest that a ``primary_key`` test looks at."""
    key = node["config"].get("meta", {}).get("key")
    if key:
        return tuple(key)
    tested = [
        tuple(test["test_metadata"]["kwargs"]["columns"])
        for test in tests
        if (test.get("test_metadata") or {}).get("name") == "primary_key"
    ]
    return min(tested, key=lambda columns: (len(columns), columns), default=())


def refresh_in_words(node: Mapping[str, Any]) -> str:
    """How the table follows new data."""
    if node["resource_type"] == "seed":
        return f"Kept by hand in `dbt_project/{node['original_file_path']}`."
    materialized = node["config"]["materialized"]
    if materialized == "view":
        return "A view: computed when read."
    if materialized == "ephemeral":
        return "No table of its own: part of the statements that read it."
    meta = node["config"].get("meta", {})
    kind = meta.get("refresh_class")
    if kind == "window":
        reach = _REACHES.get(meta.get("reach", ""), f"the dates of reach `{meta.get('reach')}`")
        return f"Window: a run for arrival days overwrites {reach}, by `{meta['partition_column']}`; other days stay."
    if kind == "touched keys":
        keys = ", ".join(f"`{key}`" for key in meta["touched_key"])
        return f"Touched keys: a run computes anew, whole, each {keys} that `{meta['touched_by']}` lists."
    if kind == "written days":
        upstream = ", ".join(f"`{name}`" for name in meta["days_of"])
        after = f", and the {meta['days_after']} days after it" if meta.get("days_after") else ""
        column = meta["partition_column"]
        return f"Written days: a run computes anew each `{column}` of which it rewrote {upstream}{after}."
    if kind == "from daily":
        return "From daily: rebuilt whole by every run from compact daily and order tables."
    if kind == "per run":
        return "Per run: says what one run has to do; made anew by each, not published."
    return f"{str(kind or 'not stated').capitalize()}: made anew by every run."


def _table(node: Mapping[str, Any], manifest: Mapping[str, Any], tests: list[Mapping[str, Any]]) -> ProjectTable:
    unique_id = node["unique_id"]
    return ProjectTable(
        name=node["name"],
        schema=node["schema"],
        group=node["config"].get("group") or NO_GROUP,
        layer="seeds" if node["resource_type"] == "seed" else node["fqn"][1],
        path=f"dbt_project/{node['original_file_path']}",
        description=node["description"].strip(),
        key=primary_key(node, tests),
        refresh=refresh_in_words(node),
        published=_published(node),
        access=node.get("access") or "",
        columns=tuple(
            Column(column["name"], column.get("data_type") or "", column["description"].strip())
            for column in node["columns"].values()
        ),
        # dict.fromkeys: the same question twice is one line
        tests=tuple(dict.fromkeys(sorted(test_in_words(test, manifest) for test in tests))),
        reads=_names(manifest, node["depends_on"].get("nodes", [])),
        read_by=_names(manifest, manifest["child_map"].get(unique_id, [])),
    )


def _published(node: Mapping[str, Any]) -> str:
    if node["schema"] != "marts":
        return ""
    by = node["config"].get("meta", {}).get("publish_by")
    return f"by `{by}`" if by else "whole"


def _tests_by_table(manifest: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    tests: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test":
            attached = [node["attached_node"]] if node.get("attached_node") else node["depends_on"]["nodes"]
            for unique_id in attached:
                tests[unique_id].append(node)
    return tests


def _names(manifest: Mapping[str, Any], unique_ids: list[str]) -> tuple[str, ...]:
    names = set()
    for unique_id in unique_ids:
        kind = unique_id.partition(".")[0]
        if kind in ("model", "seed"):
            names.add(manifest["nodes"][unique_id]["name"])
        elif kind == "source":
            source = manifest["sources"][unique_id]
            names.add(f"{source['source_name']}.{source['name']}")
        elif kind == "exposure" and manifest["exposures"][unique_id]["name"] != PUBLISHED:
            names.add(manifest["exposures"][unique_id]["label"] or manifest["exposures"][unique_id]["name"])
    return tuple(sorted(names))


def _layer_order(layer: str) -> int:
    return _LAYERS.index(layer) if layer in _LAYERS else len(_LAYERS)

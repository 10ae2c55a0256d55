"""Rules over the manifest that dbt-bouncer has no check for: metrics are used, every model has a group."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.dbt_docs.metrics import Metric, metrics_called, shown_by
from orchestration.dbt_lint.sql_text import bare_sql, line_of, without_comments


def find_faults(manifest: Mapping[str, Any], metrics: Mapping[str, Metric]) -> list[str]:
    """All faults in words, ``file: …`` or ``file:line: …``, sorted."""
    faults = [*_unused(manifest, metrics)]
    for node in manifest["nodes"].values():
        if node["resource_type"] not in ("model", "seed"):
            continue
        path = f"dbt_project/{node['original_file_path']}"
        if not node["config"].get("group"):
            faults.append(f"{path}: no group; name its folder's under `models:` in dbt_project/dbt_project.yml")
        if node["resource_type"] == "model":
            faults += _metric_columns(path, node, manifest, metrics)
            faults += divisions_by_hand(path, node["raw_code"], metrics)
    return sorted(faults)


def divisions_by_hand(path: str, code: str, metrics: Mapping[str, Metric]) -> Iterator[str]:
    """Places that divide a metric's part by its whole without the macro ``metric``."""
    sql, jinja = bare_sql(code), without_comments(code)
    for metric in metrics.values():
        part, whole = (_sum_of(columns) for columns in (metric.part, metric.whole))
        # the numbers of a decimal(38, 6) may stand between, another column of the select may not
        by_hand = rf"\b{part}\b(?:[^,;/]|\(\s*\d+\s*,\s*\d+\s*\)|,\s*\d+\s*\)){{0,60}}?/[^,;/]{{0,30}}?\b{whole}\b"
        by_ratio = rf"""\bratio\(\s*["']{part}["']\s*,\s*["']{whole}["']"""
        for text, pattern in ((sql, by_hand), (jinja, by_ratio)):
            for match in re.finditer(pattern, text):
                yield (
                    f"{path}:{line_of(text, match.start())}: divides {metric.formula.strip('`')} by hand, which is "
                    f'metric {metric.name}: use {{{{ metric("{metric.name}", "<relation>") }}}}'
                )


def _metric_columns(
    path: str, node: Mapping[str, Any], manifest: Mapping[str, Any], metrics: Mapping[str, Metric]
) -> Iterator[str]:
    parents = [manifest["nodes"][name] for name in node["depends_on"]["nodes"] if name in manifest["nodes"]]
    for column in node["columns"].values():
        metric = metrics.get(column["name"])
        if metric is None:
            continue
        if not column["description"].startswith(metric.description):
            yield (
                f"{path}: column {metric.name} is a metric, expected its description to begin with "
                f"{{{{ doc('{metric.doc_block}') }}}} ({metric.description})"
            )
        passed_on = any(metric.name in parent["columns"] for parent in parents)
        if metric.name not in metrics_called(node["raw_code"]) and not passed_on:
            yield (
                f"{path}: column {metric.name} is named like a metric and not computed by it: expected "
                f'{{{{ metric("{metric.name}", "<relation>") }}}}'
            )


def _unused(manifest: Mapping[str, Any], metrics: Mapping[str, Metric]) -> Iterator[str]:
    for name, models in shown_by(metrics, manifest).items():
        if not models:
            yield f"dbt_project/dbt_project.yml: vars.metrics.{name} is shown by no model"


def _sum_of(columns: tuple[str, ...]) -> str:
    return r"\s*\+\s*".join(rf"(?:\w+\.)?{re.escape(column)}" for column in columns)

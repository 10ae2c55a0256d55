"""Rules over the manifest that dbt-bouncer cannot check: metrics are used, every model has a group.

Hard-coded tables are looked for here too: dbt-bouncer takes `is distinct from a.b` for a table where it
cannot parse a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.dbt_docs.metrics import METRIC_MACROS, Metric, code_of, metrics_called, shown_by
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
            faults += hard_coded_tables(path, node["raw_code"])
    for macro in manifest["macros"].values():
        if macro["package_name"] == manifest["metadata"]["project_name"] and macro["name"] not in METRIC_MACROS:
            path = f"dbt_project/{macro['original_file_path']} (macro {macro['name']})"
            faults += divisions_by_hand(path, macro["macro_sql"], metrics)
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


def hard_coded_tables(path: str, code: str) -> Iterator[str]:
    """Places that read ``schema.table`` in place of a ``ref`` or ``source``."""
    # `extract(hour from x.y)` and `is distinct from x.y` name columns
    for match in re.finditer(r"(extract\s*\(\s*\w+\s+|distinct\s+)?\b(?:from|join)\s+(\w+\.\w+)", bare_sql(code)):
        if match.group(1) is None:
            yield f"{path}:{line_of(code, match.start(2))}: reads {match.group(2)}: expected a ref() or source()"


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
        if metric.name not in metrics_called(code_of(node, manifest), metrics) and not passed_on:
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

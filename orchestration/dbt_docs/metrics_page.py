"""``docs/metrics.md``, and the docs blocks by which columns and dbt docs repeat the same words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.dbt_docs.markdown import GENERATED, cell, table
from orchestration.dbt_docs.metrics import Metric, shown_by

_INTRODUCTION = f"""# Metrics

{GENERATED.format(source="`vars: metrics:` in dbt_project/dbt_project.yml")}

Every rate that a table shows is defined here once. Models compute it through the macro `metric`
(`{{{{ metric("bounce_rate", "traffic") }}}}`), columns named like it carry its description, and `make lint` names
a model that divides by hand what a metric defines. A rate is null where there is nothing to divide by.
Rates do not add up: over several days or groups, sum the columns of the formula and divide the sums.
"""

_WHY_NOT_METRICFLOW = """## Why not dbt's semantic layer

dbt's own answer is MetricFlow (semantic models, metrics and a time spine in YAML). It was looked at and left out:

- It answers at query time: `mf query` generates SQL and runs it on the warehouse. Nothing but a run opens our
  warehouse (DuckDB lets one process in), and readers have the published Parquet files. The tables would still need
  their rates computed in SQL, so every formula would stand twice, which is what a single definition is to prevent.
- Handing metrics to dashboards over its API, and materialising them by saved queries' exports, belong to dbt's paid
  platform. The documentation lists Snowflake, BigQuery, Databricks, Postgres and Redshift; DuckDB works through an
  extra that it does not promise.
- `dbt-metricflow` 0.15 installs beside dbt-core 1.11 (seven packages, `metricflow` itself among them), and its
  YAML changes form with dbt 1.12: written today, it would be written again.
- It would bring what we do not have: slicing any metric by any joined dimension without a table made for it. When
  that is asked for, the entries above translate one to one into `ratio` metrics.
"""


def render_page(metrics: Mapping[str, Metric], manifest: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    shown = shown_by(metrics, manifest)
    rows = [
        (
            f"**{metric.label}**<br>{metric.label_zh}<br>`{metric.name}`",
            metric.formula,
            f"{metric.unit}, {metric.digits} decimals",
            ", ".join(f"`{model}`" for model in shown[metric.name]) or "no table yet",
            metric.description,
        )
        for metric in metrics.values()
    ]
    lines = [_INTRODUCTION, *table(("metric", "formula", "unit", "shown by", "meaning"), rows), "", _WHY_NOT_METRICFLOW]
    return "\n".join(lines)


def render_blocks(metrics: Mapping[str, Metric]) -> str:
    """The docs blocks that dbt reads: ``{{ doc("metric_<name>") }}`` is the metric's description."""
    lines = [GENERATED.format(source="`vars: metrics:` in dbt_project/dbt_project.yml"), ""]
    for metric in metrics.values():
        lines += [f"{{% docs {metric.doc_block} %}}", cell(metric.description), "{% enddocs %}", ""]
    return "\n".join(lines)

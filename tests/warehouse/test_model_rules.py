"""Metrics come from their definition, models belong to a domain: the project keeps to it, seeded faults are named."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from orchestration.dbt_docs.metrics import Metric, code_of, metrics_called, read_metrics
from orchestration.dbt_lint.model_rules import divisions_by_hand, find_faults, hard_coded_tables
from orchestration.mart_specs import read_manifest

MART = "model.footfall.agg_kpis_daily"


@pytest.fixture
def manifest(dbt_manifest: Path) -> dict[str, Any]:
    return copy.deepcopy(read_manifest())


def test_the_project_keeps_the_rules(manifest: dict[str, Any]) -> None:
    assert find_faults(manifest, read_metrics()) == []


def test_a_metric_s_column_that_is_not_computed_by_it_is_named(manifest: dict[str, Any]) -> None:
    node = manifest["nodes"][MART]
    node["raw_code"] = node["raw_code"].replace('metric("bounce_rate", "traffic")', "traffic.bounce_rate_of_old")
    (fault,) = find_faults(manifest, read_metrics())
    assert "agg_kpis_daily.sql" in fault and "bounce_rate" in fault


def test_a_metric_s_column_in_other_words_is_named(manifest: dict[str, Any]) -> None:
    manifest["nodes"][MART]["columns"]["bounce_rate"]["description"] = "Share of people who leave."
    (fault,) = find_faults(manifest, read_metrics())
    assert "metric_bounce_rate" in fault


def test_a_model_without_group_and_a_metric_without_model_are_named(manifest: dict[str, Any]) -> None:
    manifest["nodes"]["model.footfall.customer_rfm"]["config"]["group"] = None
    lonely = Metric("lonely_rate", ("nowhere",), ("never",), 6, "Lonely", "孤", "Nowhere / never.")
    faults = find_faults(manifest, {**read_metrics(), "lonely_rate": lonely})
    assert len(faults) == 2
    assert "customer_rfm.sql: no group" in faults[1] and "lonely_rate is shown by no model" in faults[0]


@pytest.mark.parametrize(
    "code",
    [
        "select a,\n bounces / sessions as b from t",
        "select a,\n cast(t.bounces as decimal(38, 6)) / nullif(t.sessions, 0) as b from t",
        "select a,\n round(1.0 * sum(bounces) / sum(sessions), 4) as b from t",
        'select a,\n {{ ratio("t.bounces", "t.sessions") }} as b from t',
    ],
)
def test_a_division_by_hand_is_named_with_its_line(code: str) -> None:
    (fault,) = divisions_by_hand("m.sql", code, read_metrics())
    assert fault.startswith("m.sql:2:") and 'metric("bounce_rate"' in fault


@pytest.mark.parametrize(
    "code",
    [
        'select {{ metric("bounce_rate", "t") }} as bounce_rate from t',
        "select bounces, orders / sessions as orders_per_session from t",
        "select bounces / visitors as b from t -- not bounces / sessions",
        "select bounces / sessions_of_people as b from t",
    ],
)
def test_other_divisions_are_left_alone(code: str) -> None:
    assert list(divisions_by_hand("m.sql", code, read_metrics())) == []


def test_a_division_by_hand_inside_a_macro_is_named(manifest: dict[str, Any]) -> None:
    manifest["macros"]["macro.footfall.matches"]["macro_sql"] += " bounces / sessions "
    (fault,) = find_faults(manifest, read_metrics())
    assert "(macro matches)" in fault and 'metric("bounce_rate"' in fault


def test_metrics_are_found_in_loops_and_in_the_macros_a_model_is_made_of(manifest: dict[str, Any]) -> None:
    names = ["roas_first", "roas_last", "roas_of_none_minor", "bounce_rate"]
    assert metrics_called('{{ metric("roas_" ~ model) }}', names) == {"roas_first", "roas_last", "roas_of_none_minor"}
    assert metrics_called("""{{ metric('roas_' ~ model ~ '_minor', "t") }}""", names) == {"roas_of_none_minor"}
    assert metrics_called("{{ metric(name) }}", names) == set()
    node = {**manifest["nodes"][MART], "raw_code": "{{ rates() }}", "depends_on": {"macros": ["macro.footfall.rates"]}}
    manifest["macros"]["macro.footfall.rates"] = {
        "name": "rates",
        "package_name": "footfall",
        "macro_sql": '{{ metric("bounce_rate") }}',
        "depends_on": {"macros": ["macro.footfall.metric"]},
    }
    assert metrics_called(code_of(node, manifest), names) == {"bounce_rate"}


def test_hard_coded_tables_are_named_and_columns_are_not() -> None:
    code = "select extract(hour from e.ts) as h\nfrom marts.fct_orders as e where e.a is distinct from e.b"
    (fault,) = hard_coded_tables("m.sql", code)
    assert fault.startswith("m.sql:2: reads marts.fct_orders")
    assert list(hard_coded_tables("m.sql", 'select a from {{ ref("t") }} as t join days on days.a = t.a')) == []

"""What Dagster sees: everything loads, is described, and is run by the jobs that should run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import build_defs
from orchestration.jobs import DAILY
from orchestration.mart_specs import MODEL_TABLES, MartWithoutKey, mart_specs, read_manifest
from orchestration.progress import STEPS
from orchestration.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def defs(settings: Settings, dbt_manifest: Path) -> dg.Definitions:
    return build_defs(settings=settings)


@pytest.fixture
def specs(defs: dg.Definitions) -> list[dg.AssetSpec]:
    return list(defs.resolve_all_asset_specs())


def test_start_up_says_nothing_and_succeeds(footfall_home: Path, dbt_manifest: Path) -> None:
    command = [
        str(Path(sys.executable).parent / "dagster"),
        "definitions",
        "validate",
        "-w",
        str(ROOT / "workspace.yaml"),
    ]
    environment = {**os.environ, "DAGSTER_HOME": str(footfall_home), "PYTHONPATH": str(ROOT)}
    (footfall_home / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text())
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "successful" in done.stdout + done.stderr
    # Dagster advises another command in place of this one; that says nothing about our definitions.
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "definitions_validate_command" not in line]
    shouted = [line for line in lines if "warn" in line.lower() or "error" in line.lower()]
    assert shouted == []


def test_every_asset_says_what_it_is_and_whose(specs: list[dg.AssetSpec]) -> None:
    wanting = {
        spec.key.to_user_string(): (spec.description, spec.owners, spec.group_name, spec.kinds)
        for spec in specs
        if not (spec.description and spec.owners and spec.kinds) or spec.group_name in (None, "default")
    }
    assert wanting == {}


def test_every_step_of_the_daily_job_is_told_to_who_started_it(defs: dg.Definitions) -> None:
    checks = {
        key.to_user_string().replace("/", "__").replace(":", "_") for key in defs.resolve_asset_graph().asset_check_keys
    }
    steps = {node.name for node in defs.resolve_job_def(DAILY).nodes}
    assert {step for step in steps - set(STEPS) if step not in checks} == set()


def test_every_step_of_the_way_is_an_asset(specs: list[dg.AssetSpec]) -> None:
    keys = {spec.key.to_user_string() for spec in specs}
    assert {"lake/events", "lake/ledger", "marts/fct_sessions", "marts/customer_rfm", "published"} <= keys
    assert {"ml/customer_segments", "ml/segments", "ml/evaluation", "ml/model_registry", "ml/outcomes"} <= keys
    assert {"ml/churn_scores", "ml/purchase_propensity", "ml/session_intent", "ml/customer_value"} <= keys
    assert {"marts/customer_360", "marts/churn_scores"} <= keys


def test_groups_are_the_layers(specs: list[dg.AssetSpec]) -> None:
    groups = {spec.group_name for spec in specs}
    assert {"ingestion", "staging", "marts_core", "marts_customers", "ml", "publishing"} <= groups
    assert {"intermediate_events", "intermediate_orders", "intermediate_daily", "marts_scores"} <= groups


def test_every_table_belongs_to_a_domain_and_every_check_says_what_it_asks(
    defs: dg.Definitions, specs: list[dg.AssetSpec]
) -> None:
    tables = [spec for spec in specs if "dbt" in spec.kinds]
    assert len(tables) > 30
    assert [spec.key.to_user_string() for spec in tables if not spec.tags.get("domain")] == []
    checks = [check for assets in defs.get_repository_def().asset_graph.assets_defs for check in assets.check_specs]
    assert [check.name for check in checks if not check.description] == []
    assert "Key: `shop_id`, `session_id`; no two rows alike." in {check.description for check in checks}


def test_lineage_has_no_gap_from_the_lake_to_the_pointer(specs: list[dg.AssetSpec]) -> None:
    by_key = {spec.key: spec for spec in specs}
    upstream, todo = set(), [dg.AssetKey(["published"])]
    while todo:
        for dep in by_key[todo.pop()].deps:
            if dep.asset_key not in upstream:
                upstream.add(dep.asset_key)
                todo.append(dep.asset_key)
    assert upstream <= set(by_key), "an asset stands on something that nothing makes"
    assert dg.AssetKey(["lake", "events"]) in upstream
    # What is not above the pointer would be built and never shown; some tables are there to be remembered: whose
    # device was whose when orders were last credited, earlier segments, and the scores that wait for their outcome.
    unused = {key.to_user_string() for key in set(by_key) - upstream} - {"published", "lake/quarantine"}
    remembered = {"intermediate/int_attribution_identities", "ml/segment_history", "ml/segment_sizes"}
    # and what the next run needs to score only who did something
    remembered |= {"ml/score_history", "ml/recommendation_runs"}
    # what is a warning on a step's page
    remembered |= {"ml/unknown_categories"}
    assert unused == remembered


def test_tables_that_follow_arrivals_are_partitioned_by_arrival_day(specs: list[dg.AssetSpec]) -> None:
    partitioned = {spec.key.to_user_string() for spec in specs if spec.partitions_def is not None}
    assert {"lake/events", "marts/fct_sessions", "marts/fct_orders", "marts/audit_arrival_days"} <= partitioned
    assert not {"marts/customer_rfm", "marts/dim_customers", "ml/customer_segments", "published"} & partitioned


def test_no_step_mixes_partitionings(defs: dg.Definitions) -> None:
    """A backfill from the UI would split such a step over several runs and run it in parts, out of order."""
    for assets in defs.get_repository_def().asset_graph.assets_defs:
        if assets.is_executable and assets.keys:
            assert len({spec.partitions_def for spec in assets.specs}) == 1, assets.op.name


def test_every_step_that_opens_the_warehouse_is_in_its_pool(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    pools = {assets.op.name: assets.op.pool for assets in repository.asset_graph.assets_defs if assets.is_executable}
    models = ("customer_segments", "churn", "purchase_propensity", "session_intent", "customer_value", "model_reports")
    models += ("recommendations", "session_next_items", "association_rules", "buy_again")
    for step in ("dbt_daily", "dbt_whole", *models, "dbt_after_ml", "published"):
        assert pools[step] == "duckdb"
    assert pools["lake"] is None
    checks = [name for name, pool in pools.items() if name.startswith("marts__") and pool != "duckdb"]
    assert checks == []


def test_the_daily_job_runs_everything(defs: dg.Definitions, specs: list[dg.AssetSpec]) -> None:
    job = defs.resolve_job_def("daily")
    assert set(job.asset_layer.executable_asset_keys) == {spec.key for spec in specs}
    names = {key.name for key in job.asset_layer.asset_graph.asset_check_keys}
    assert {
        "ledger_closes",
        "quarantine_share",
        "newest_event_is_recent",
        "movements_add_up_to_orders",
        "daily_revenue_adds_up_to_orders",
        "sessions_account_for_events",
        "segments_cover_customers",
        "landing_files_readable",
    } <= names


def test_retraining_learns_and_publishes_without_touching_the_days(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def("retrain")
    keys = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert {"ml/churn_scores", "ml/customer_segments", "ml/model_registry", "marts/customer_360", "published"} <= keys
    assert not {"lake/events", "marts/fct_sessions", "marts/customer_rfm", "features/feat_customers"} & keys
    assert job.tags["footfall/retrain"] == "true"


def test_any_range_is_one_run(defs: dg.Definitions) -> None:
    for assets in defs.get_repository_def().asset_graph.assets_defs:
        if assets.is_executable and assets.partitions_def is not None:
            assert assets.backfill_policy == dg.BackfillPolicy.single_run(), assets.op.name


def test_schedule_and_sensors_are_declared_and_on(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    assert sorted(schedule.name for schedule in repository.schedule_defs) == ["daily_schedule", "retrain_schedule"]
    assert {schedule.default_status for schedule in repository.schedule_defs} == {dg.DefaultScheduleStatus.RUNNING}
    assert sorted(sensor.name for sensor in repository.sensor_defs) == ["freshness_sensor", "landing_sensor"]
    assert {sensor.default_status for sensor in repository.sensor_defs} == {dg.DefaultSensorStatus.RUNNING}


def test_resources_can_be_replaced(settings: Settings, dbt_manifest: Path) -> None:
    other = object()
    defs = build_defs({"warehouse": other}, settings)
    assert (defs.resources or {})["warehouse"] is other


def test_every_mart_is_published_with_its_key(dbt_manifest: Path) -> None:
    manifest = read_manifest()
    marts = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    specs = {spec.name: spec for spec in mart_specs(manifest)}
    assert set(specs) == marts and len(marts) >= 8
    assert specs["fct_sessions"].partition_by == "session_date"
    assert all(spec.description for spec in (*specs.values(), *MODEL_TABLES))


def test_a_mart_without_a_key_is_refused_by_name(dbt_manifest: Path) -> None:
    node = {
        "resource_type": "model",
        "schema": "marts",
        "name": "fct_new",
        "alias": "fct_new",
        "config": {"meta": {}},
        "description": "",
        "original_file_path": "models/marts/fct_new.sql",
    }
    with pytest.raises(MartWithoutKey, match=r"fct_new\.sql: meta\.key is missing"):
        mart_specs({"nodes": {"model.footfall.fct_new": node}})


def test_help_loads_neither_dagster_nor_dbt() -> None:
    code = (
        "import sys, typer.testing, orchestration.cli as c; "
        "assert typer.testing.CliRunner().invoke(c.app, ['--help']).exit_code == 0; "
        "print(sorted({'dagster', 'dbt', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""The dbt project itself: its unit tests pass, it builds on an empty lake, and every model says what it is."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration.dbt_in_process import prepare_manifest, run_dbt
from orchestration.mart_specs import read_manifest
from tests.properties.warehouse import Warehouse

CLASSES = {"window", "touched keys", "written days", "from daily", "per run", "view", "snapshot of the ledger"}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A home where nothing was ever loaded."""
    warehouse = Warehouse(tmp_path_factory.mktemp("empty"))
    warehouse.build()
    return warehouse


def test_everything_builds_on_an_empty_lake(empty: Warehouse) -> None:
    assert empty.rows("select count(*) from marts.fct_sessions") == [(0,)]
    assert empty.rows("select count(*) from marts.customer_rfm") == [(0,)]


def test_dbt_unit_tests(empty: Warehouse, tmp_path: Path) -> None:
    outcome = run_dbt(["test", "--select", "test_type:unit"], {"FOOTFALL_HOME": str(empty.home)}, tmp_path)
    assert not outcome.failed, [f"{node.unique_id}: {node.message}" for node in outcome.failed]
    assert len(outcome.results) >= 17


def _models() -> list[dict]:  # type: ignore[type-arg]
    prepare_manifest()
    return [node for node in read_manifest()["nodes"].values() if node["resource_type"] == "model"]


def _kept_models() -> list[dict]:  # type: ignore[type-arg]
    """Models that are tables or views; an ephemeral one is only a part of those that read it."""
    return [model for model in _models() if model["config"]["materialized"] != "ephemeral"]


def test_every_model_and_column_is_described() -> None:
    bare = [
        f"{model['name']}.{name or ''}"
        for model in _models()
        for name, words in [
            ("", model["description"]),
            *((c["name"], c["description"]) for c in model["columns"].values()),
        ]
        if len(words.strip()) < 5
    ]
    assert bare == []


def test_described_columns_are_the_real_ones(empty: Warehouse) -> None:
    real: dict[str, set[object]] = {}
    for table, column in empty.rows("select table_name, column_name from information_schema.columns"):
        real.setdefault(str(table), set()).add(column)
    wrong = {model["name"]: real[model["name"]] ^ set(model["columns"]) for model in _kept_models()}
    assert {name: columns for name, columns in wrong.items() if columns} == {}


def test_every_kept_model_states_its_refresh_class_and_key() -> None:
    for model in _kept_models():
        if model["schema"] == "staging" and model["config"]["materialized"] == "view":
            continue
        meta = model["config"]["meta"]
        assert meta.get("refresh_class") in CLASSES, model["name"]
        if model["schema"] == "marts":
            assert meta["key"], model["name"]
            assert model["config"]["contract"]["enforced"], model["name"]


def test_every_mart_has_a_primary_key_test() -> None:
    tested = {
        node["attached_node"]
        for node in read_manifest()["nodes"].values()
        if node["resource_type"] == "test" and node["test_metadata"]["name"] == "primary_key"
    }
    assert {model["unique_id"] for model in _models() if model["schema"] == "marts"} <= tested


def test_an_arrival_day_is_done_only_when_every_daily_model_is() -> None:
    """`audit_arrival_days` says that a day's models are built, so each of them must come before it."""
    manifest = read_manifest()
    before: set[str] = set()
    waiting = ["model.footfall.audit_arrival_days"]
    while waiting:
        for parent in manifest["parent_map"][waiting.pop()]:
            if parent not in before:
                before.add(parent)
                waiting.append(parent)
    daily = {
        model["unique_id"]
        for model in _kept_models()
        if not {"whole", "after_ml"} & set(model["config"]["tags"]) and model["config"]["materialized"] != "view"
    }
    # Features are not published, and make up by themselves for whatever was written before them.
    features = ("feat_customer_days", "feat_session_starts", "feat_user_item_days")
    assert daily - before == {f"model.footfall.{name}" for name in ("audit_arrival_days", *features)}


def test_whoever_reads_events_in_a_window_names_their_arrivals() -> None:
    """Else a day's run would read the whole lake: the events' own days do not say which files hold them."""
    careless = []
    for model in _models():
        code = model["raw_code"]
        readings = code.count('ref("int_events")') + code.count('ref("stg_events")')
        named = code.count("in_event_window(") + code.count('in_window("arrival_date"')
        if model["config"]["materialized"] == "incremental" and named < readings:
            careless.append(model["name"])
    assert careless == []
    assert sum('ref("int_events")' in model["raw_code"] for model in _models()) >= 7


def test_every_reading_of_events_lies_where_repeated_deliveries_are_known() -> None:
    """`int_event_losers` is written as far as any model of the same run reads events."""
    late = 3
    spans = {
        "events": (late, 1),
        "sessions": (late + 2, 2),
        "session_events": (late + 2, 4),
        "deliveries": (late + 3, 4),
    }
    readings = re.compile(r'in_event_window\("(\w+)"(?:, (\d+), (\d+))?')
    found = [
        (model["name"], spans[stage][0] + int(before or 0), spans[stage][1] + int(after or 0))
        for model in _models()
        for stage, before, after in readings.findall(model["raw_code"])
    ]
    assert len(found) >= 7
    assert [name for name, before, after in found if before > late + 3 or after > 4] == []


def test_a_run_that_spilled_goes_on(tmp_path: Path) -> None:
    """dbt sets the profile's settings again for every model, and DuckDB refuses another folder after a spill."""
    profile = yaml.safe_load(Path("dbt_project/profiles.yml").read_text())["footfall"]["outputs"]["duckdb"]
    known = {
        "temp_directory": str(tmp_path / "tmp"),
        "block_allocator_memory": "40MB",
        "memory_limit": "40MB",
        "threads": "1",
        "file_search_path": str(tmp_path),
    }
    options = {name: known[name] for name in [*profile["config_options"], "memory_limit"]}
    with duckdb.connect(str(tmp_path / "spilt.duckdb"), config=options) as connection:
        connection.execute("create table sorted as select hash(n) as h from range(4000000) as numbers(n) order by h")
        with pytest.raises(duckdb.Error, match="temporary directory"):
            connection.execute(f"set temp_directory = '{tmp_path / 'other'}'")
        for name, value in profile["settings"].items():
            connection.execute(f"set {name} = '{known.get(name, value)}'")

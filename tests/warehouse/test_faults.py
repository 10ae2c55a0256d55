"""Every mart has a test that fails on meaning: one fault in one of its inputs, and the mart's own tests notice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.simulator import SimulatorConfig, simulate
from orchestration.dbt_in_process import NodeResult, run_dbt
from orchestration.mart_specs import read_manifest
from tests.properties.test_simulated_shop import _files_by_day, _land
from tests.properties.warehouse import Warehouse
from tests.warehouse.faults import FAULTS as FAULTS_BEFORE_MODELS
from tests.warehouse.faults import Fault
from tests.warehouse.planted_recommendations import plant_recommendations
from tests.warehouse.planted_scores import plant_scores
from tests.warehouse.score_faults import SCORE_FAULTS

# The end of a month is within it, and events come too late: every mart has rows.
CONFIG = SimulatorConfig(visitors=300, days=14, start=date(2026, 1, 22), seed=11, very_late_share=0.02)
FAULTS = [*FAULTS_BEFORE_MODELS, *SCORE_FAULTS]


@pytest.fixture(scope="module")
def manifest(dbt_manifest: Path) -> dict[str, Any]:
    return read_manifest()


def _marts(manifest: dict[str, Any]) -> dict[str, str]:
    """Names of marts and features, and their nodes."""
    return {
        node["name"]: node_id
        for node_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["schema"] in ("marts", "features")
    }


def _tests_of(mart: str, manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The data tests of a mart (not those of others that only look at it), by node id."""
    node = _marts(manifest)[mart]
    return {
        node_id: test
        for node_id, test in manifest["nodes"].items()
        if test["resource_type"] == "test" and test["attached_node"] == node
    }


def _dbt(home: Path, *arguments: str) -> tuple[NodeResult, ...]:
    outcome = run_dbt(arguments, {"FOOTFALL_HOME": str(home)}, home / "target")
    # what the project does at the start of a run is among the results
    return tuple(result for result in outcome.results if not result.unique_id.startswith("operation."))


@pytest.fixture(scope="module")
def sound(manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A simulated shop, built whole, and its marts built once more, as those of the spoilt ones will be."""
    simulated = tmp_path_factory.mktemp("simulated")
    simulate(CONFIG, simulated, per_day=True)
    warehouse = Warehouse(tmp_path_factory.mktemp("sound"))
    for files in _files_by_day(simulated).values():
        _land(warehouse, files)
    warehouse.build()
    # what the models would write, so that the marts on top of them have rows
    plant_scores(warehouse.home / "warehouse.duckdb", CONFIG.start + timedelta(days=CONFIG.days))
    plant_recommendations(warehouse.home / "warehouse.duckdb", CONFIG.start + timedelta(days=CONFIG.days))
    warehouse.build(full_refresh=True, select=[*_marts(manifest), "tag:after_ml"])
    return warehouse


@pytest.fixture(scope="module")
def passed(sound: Warehouse, manifest: dict[str, Any]) -> set[str]:
    """Ids of the tests of marts that pass on the sound warehouse."""
    tests = [test["name"] for mart in _marts(manifest) for test in _tests_of(mart, manifest).values()]
    return {result.unique_id for result in _dbt(sound.home, "test", "--select", *tests) if result.succeeded}


@pytest.fixture
def spoilt(sound: Warehouse, tmp_path: Path) -> Iterator[Path]:
    """A home with a copy of the sound warehouse on the same lake."""
    home = tmp_path / "spoilt"
    (home / "tmp").mkdir(parents=True)
    (home / "lake").symlink_to(sound.home / "lake")
    shutil.copyfile(sound.home / "warehouse.duckdb", home / "warehouse.duckdb")
    yield home
    shutil.rmtree(home)


def _spoil(home: Path, fault: Fault) -> None:
    """Do the fault; a view is made a table first, so that the lake stays as it is. Raises where nothing changed."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(f"set file_search_path = '{home / 'lake'}'")
        schema, table = fault.spoilt.split(".")
        (kind,) = connection.execute(
            "select table_type from information_schema.tables where table_schema = ? and table_name = ?",
            [schema, table],
        ).fetchone() or ("missing",)
        if kind == "VIEW":
            connection.execute(f"create table {schema}.as_table as from {fault.spoilt}")
            connection.execute(f"drop view {fault.spoilt}")
            connection.execute(f"alter table {schema}.as_table rename to {table}")
        changed = connection.execute(fault.sql).fetchone()
        assert changed is not None and changed[0] > 0, f"{fault}: no row of {fault.spoilt} was spoilt"


def test_every_mart_has_a_fault_in_something_it_is_made_of(manifest: dict[str, Any]) -> None:
    assert sorted(fault.mart for fault in FAULTS) == sorted(_marts(manifest))
    relations = {
        f"{node['schema']}.{node['name']}": node_id
        for node_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
    for fault in FAULTS:
        above, found = [_marts(manifest)[fault.mart]], set()
        while above:
            parents = set(manifest["parent_map"].get(above.pop(), [])) - found
            found |= parents
            above.extend(parents)
        assert relations[fault.spoilt] in found, f"{fault.mart} is not made of {fault.spoilt}"


@pytest.mark.long
def test_sound_marts_pass_their_tests(sound: Warehouse, passed: set[str], manifest: dict[str, Any]) -> None:
    for mart, node in _marts(manifest).items():
        assert set(_tests_of(mart, manifest)) <= passed
        assert sound.rows(f"select count(*) from {manifest['nodes'][node]['schema']}.{mart}") != [(0,)], mart


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_noticed(fault: Fault, spoilt: Path, passed: set[str], manifest: dict[str, Any]) -> None:
    _spoil(spoilt, fault)
    (built,) = _dbt(spoilt, "run", "--full-refresh", "--select", fault.mart)
    assert built.succeeded, built.message
    tests = _tests_of(fault.mart, manifest)
    results = _dbt(spoilt, "test", "--select", *(test["name"] for test in tests.values()))
    assert len(results) == len(tests)
    # a test that cannot run notices nothing
    assert {result.status for result in results} <= {"pass", "fail", "warn"}, results
    noticed = {result.unique_id for result in results if result.status == "fail"} & passed
    # that a key is there twice says little of what went wrong
    assert fault.noticed_by != "primary_key"
    names = {tests[node_id]["test_metadata"]["name"] for node_id in noticed}
    assert fault.noticed_by in names, f"{sorted(names)} noticed"

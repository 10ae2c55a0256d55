"""The same configuration writes the same bytes, and another one does not."""

from __future__ import annotations

from pathlib import Path

from ingestion.simulator import SimulatorConfig, simulate
from ingestion.simulator.shop_tables import TABLE_NAMES


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_configuration_same_bytes(tmp_path: Path) -> None:
    config = SimulatorConfig(visitors=300, days=10, seed=3)
    simulate(config, tmp_path / "one")
    simulate(config, tmp_path / "two")
    one = _bytes(tmp_path / "one")
    assert len(one) >= 10 + 7 + 11
    assert one == _bytes(tmp_path / "two")


def test_another_seed_other_bytes(tmp_path: Path) -> None:
    simulate(SimulatorConfig(visitors=800, days=25, seed=3), tmp_path / "one")
    simulate(SimulatorConfig(visitors=800, days=25, seed=4), tmp_path / "two")
    one, two = _bytes(tmp_path / "one"), _bytes(tmp_path / "two")
    assert [name for name in one if one[name] == two.get(name)] == []


def test_an_earlier_simulation_in_the_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    shorter = SimulatorConfig(visitors=80, days=4)
    simulate(SimulatorConfig(visitors=80, days=9), tmp_path / "reused", per_day=True)
    simulate(shorter, tmp_path / "reused")
    simulate(shorter, tmp_path / "fresh")
    assert _bytes(tmp_path / "reused") == _bytes(tmp_path / "fresh")


def test_daily_tables_hold_the_same_rows_as_whole_tables(tmp_path: Path) -> None:
    config = SimulatorConfig(visitors=400, days=12)
    simulate(config, tmp_path / "whole")
    simulate(config, tmp_path / "daily", per_day=True)
    for name in TABLE_NAMES:
        header, *whole = (tmp_path / "whole" / "tables" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        daily = []
        for path in sorted((tmp_path / "daily" / "tables").glob(f"{name}-????-??-??.csv")):
            first, *rows = path.read_text(encoding="utf-8").splitlines()
            assert first == header
            daily += rows
        assert daily == whole

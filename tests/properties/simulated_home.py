"""A simulated shop loaded into a small home, its warehouse open to read: models beside what the simulator knew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.shops import Shop
from ingestion.simulator import SimulatorConfig, simulate
from tests.properties.warehouse import Warehouse


@dataclass(frozen=True)
class SimulatedHome:
    """``connection`` reads the warehouse of ``shop_id``; ``truth`` is the folder of what the simulator alone knows."""

    shop_id: str
    connection: duckdb.DuckDBPyConnection
    truth: Path


@contextmanager
def simulated_home(config: SimulatorConfig, folder: Path, select: Sequence[str]) -> Iterator[SimulatedHome]:
    """Simulate ``config`` into ``folder``, load logs and order tables, build the models that ``select`` names."""
    shop = Shop("demo", config.timezone, config.currency)
    made = folder / "simulated"
    simulate(config, made)
    warehouse = Warehouse(folder / "home")
    warehouse.land(sorted((made / "logs").iterdir()), "footfall_simulator_events", shop)
    for table in sorted((made / "tables").iterdir()):
        warehouse.land([table], f"footfall_simulator_{table.name.partition('.')[0]}", shop)
    warehouse.build(select=select)
    with warehouse._open() as connection:
        yield SimulatedHome(shop.shop_id, connection, made / "truth")

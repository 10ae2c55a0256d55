"""A simulated shop on disk, its files read back line by line for the simulator's tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from ingestion.simulator import SimulatorConfig, simulate
from ingestion.simulator.simulate import PlantedShop, plant


@dataclass(frozen=True)
class Written:
    """A simulation on disk: its folder, configuration, planted tables and truth."""

    out: Path
    config: SimulatorConfig
    shop: PlantedShop
    summary: dict[str, Any]

    def truth(self, name: str) -> pd.DataFrame:
        with duckdb.connect() as connection:
            return connection.execute("FROM read_parquet(?)", [str(self.out / "truth" / f"{name}.parquet")]).df()

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.out / "tables" / f"{name}.csv", dtype=str, keep_default_na=False)

    def lines(self) -> Iterator[tuple[date, str]]:
        """Every line of the logs with the day of its file."""
        for path in sorted((self.out / "logs").iterdir()):
            day = date.fromisoformat(path.name.removeprefix("events-").removesuffix(".jsonl.gz"))
            with gzip.open(path, "rt", encoding="utf-8") as file:
                for line in file:
                    yield day, line.rstrip("\n")

    def events(self) -> list[tuple[date, dict[str, Any]]]:
        """Every line that is a JSON object."""
        parsed = []
        for day, line in self.lines():
            try:
                parsed.append((day, json.loads(line)))
            except json.JSONDecodeError:
                continue
        return parsed


def write(out: Path, **parameters: Any) -> Written:
    """Simulate into ``out``."""
    config = SimulatorConfig(**parameters)
    simulate(config, out)
    summary = json.loads((out / "truth" / "summary.json").read_text(encoding="utf-8"))
    return Written(out, config, plant(config), summary)

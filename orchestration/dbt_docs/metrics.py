"""The metrics of ``vars: metrics:`` in dbt_project.yml: read, checked, and found in the models that show them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.dbt_in_process import PROJECT_FOLDER

PROJECT_FILE = PROJECT_FOLDER / "dbt_project.yml"
_KEYS = ("part", "whole", "digits", "label", "label_zh", "description")


class MetricError(ValueError):
    """An entry of ``vars: metrics:`` is not as expected; the message names file, metric and key."""


@dataclass(frozen=True)
class Metric:
    """A rate: the sum of the columns ``part`` over the sum of the columns ``whole``, of ``digits`` decimals."""

    name: str
    part: tuple[str, ...]
    whole: tuple[str, ...]
    digits: int
    label: str
    label_zh: str
    description: str

    @property
    def formula(self) -> str:
        """``part / whole`` with columns in code quotes."""
        part, whole = (
            columns[0] if len(columns) == 1 else f"({' + '.join(columns)})" for columns in (self.part, self.whole)
        )
        return f"`{part} / {whole}`"

    @property
    def unit(self) -> str:
        """In words, from the name: money by its ending, everything else is a plain number."""
        return "minor units of the shop's currency" if self.name.endswith("_minor") else "ratio"

    @property
    def doc_block(self) -> str:
        """The docs block that describes a column of this name."""
        return f"metric_{self.name}"


def read_metrics(project_file: Path = PROJECT_FILE) -> dict[str, Metric]:
    """The metrics by name, in the file's order. Raises ``MetricError`` where an entry lacks or misspells a key."""
    entries = (yaml.safe_load(project_file.read_text(encoding="utf-8")).get("vars") or {}).get("metrics") or {}
    metrics = {}
    for name, entry in entries.items():
        missing = [key for key in _KEYS if entry.get(key) in (None, "")]
        unknown = sorted(entry.keys() - set(_KEYS))
        if missing or unknown:
            raise MetricError(
                f"{project_file}: vars.metrics.{name}: missing {missing}, not known {unknown}; expected {list(_KEYS)}"
            )
        metrics[name] = Metric(
            name=name,
            part=_columns(entry["part"]),
            whole=_columns(entry["whole"]),
            digits=int(entry["digits"]),
            label=entry["label"],
            label_zh=entry["label_zh"],
            description=entry["description"].strip(),
        )
    return metrics


def shown_by(metrics: Iterable[str], manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """For each metric the models, sorted, that have a column of its name or compute it under another name."""
    shown: dict[str, list[str]] = {name: [] for name in metrics}
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model":
            continue
        for name in set(shown) & (set(node["columns"]) | metrics_called(node["raw_code"])):
            shown[name].append(node["name"])
    return {name: sorted(models) for name, models in shown.items()}


def metrics_called(raw_code: str) -> set[str]:
    """Names that a model's SQL hands to the macro ``metric``."""
    return set(re.findall(r"""\bmetric\(\s*["'](\w+)["']""", raw_code))


def _columns(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)

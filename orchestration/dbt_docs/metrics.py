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

#: The macros that compute a metric.
METRIC_MACROS = ("metric", "columns_added_up", "ratio")
_CALL = re.compile(r"""\bmetric\(\s*((?:"\w*"|'\w*'|\w+)(?:\s*~\s*(?:"\w*"|'\w*'|\w+))*)""")


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
        for name in set(shown) & (set(node["columns"]) | metrics_called(code_of(node, manifest), shown)):
            shown[name].append(node["name"])
    return {name: sorted(models) for name, models in shown.items()}


def metrics_called(code: str, metrics: Iterable[str]) -> set[str]:
    """Those of ``metrics`` that SQL hands to the macro ``metric``, also by names put together in a loop.

    ``metric("roas_" ~ model)`` calls every metric whose name begins with ``roas_``; a name that is a variable
    alone says nothing.
    """
    called: set[str] = set()
    for call in _CALL.finditer(code):
        pieces = [piece.strip() for piece in call.group(1).split("~")]
        if any(piece[0] in "\"'" for piece in pieces):
            name = "".join(re.escape(piece[1:-1]) if piece[0] in "\"'" else r"\w+" for piece in pieces)
            called |= {metric for metric in metrics if re.fullmatch(name, metric)}
    return called


def code_of(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """A model's SQL and that of the project's macros it is made of, but for those that metrics are made of."""
    code, todo, seen = [node["raw_code"]], list(node["depends_on"]["macros"]), set(METRIC_MACROS)
    while todo:
        macro = manifest["macros"].get(todo.pop())
        if macro is not None and macro["package_name"] == node["package_name"] and macro["name"] not in seen:
            seen.add(macro["name"])
            code.append(macro["macro_sql"])
            todo += macro["depends_on"]["macros"]
    return "\n".join(code)


def _columns(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)

"""What is published: every mart that the dbt manifest knows, and the tables of the models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestration.dbt_in_process import MANIFEST
from publishing.specification import TableSpec

MARTS_SCHEMA = "marts"

#: Tables written by models, which dbt does not know.
MODEL_TABLES = (
    TableSpec(
        name="segments",
        schema="ml",
        relation="segments",
        key=("shop_id", "segment_id"),
        partition_by=None,
        description="One row a segment: its name in words, its size and its centre.",
    ),
    TableSpec(
        name="evaluation",
        schema="ml",
        relation="evaluation",
        key=("capability", "shop_id", "as_of", "model", "metric"),
        partition_by=None,
        description="How good each model is, with intervals and naive baselines beside it.",
    ),
    TableSpec(
        name="segment_migrations",
        schema="ml",
        relation="segment_migrations",
        key=("shop_id", "from_as_of", "as_of", "from_segment_id", "to_segment_id"),
        partition_by=None,
        description="Customers who moved from segment to segment since the last run and since last month.",
    ),
    TableSpec(
        name="session_intent",
        schema="ml",
        relation="session_intent",
        key=("shop_id", "session_id"),
        partition_by=None,
        description="Chance that a session buys after its fifth event, for the newest days' sessions.",
    ),
    TableSpec(
        name="value_tracking",
        schema="ml",
        relation="value_tracking",
        key=("shop_id", "model", "cohort", "week_end"),
        partition_by=None,
        description="Repeat purchases by cohort and week, as they came and as the models expected them.",
    ),
    TableSpec(
        name="model_registry",
        schema="ml",
        relation="model_registry",
        key=("capability", "shop_id", "version"),
        partition_by=None,
        description="Every trained model: its data, features and metrics, and whether it serves.",
    ),
    TableSpec(
        name="score_status",
        schema="ml",
        relation="score_status",
        key=("shop_id", "capability"),
        partition_by=None,
        description="Whether each capability's scores are of today, and if not, why not.",
    ),
    TableSpec(
        name="outcomes",
        schema="ml",
        relation="outcomes",
        key=("capability", "shop_id", "as_of", "horizon_days", "model_version", "metric"),
        partition_by=None,
        description="Scores beside what happened once their horizon had passed, per model version.",
    ),
)


class MartWithoutKey(ValueError):
    """A mart does not say in its meta which columns make a row unique."""


def read_manifest() -> dict[str, Any]:
    """The prepared dbt manifest. ``FileNotFoundError`` says how to make it."""
    if not MANIFEST.is_file():
        raise FileNotFoundError(f"{MANIFEST} does not exist: expected the parsed dbt project, run `make prepare`")
    return _read(MANIFEST, MANIFEST.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read(path: Path, changed: int) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))


def mart_specs(manifest: Mapping[str, Any]) -> list[TableSpec]:
    """One ``TableSpec`` per model in schema ``marts``, from its meta ``key`` and ``publish_by``, sorted by name.

    Raises ``MartWithoutKey`` naming the model whose meta lacks its key.
    """
    specs = []
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or node["schema"] != MARTS_SCHEMA:
            continue
        meta = node["config"].get("meta", {})
        if not meta.get("key"):
            raise MartWithoutKey(f"{node['original_file_path']}: meta.key is missing, expected the list of key columns")
        specs.append(
            TableSpec(
                name=node["name"],
                schema=node["schema"],
                relation=node["alias"],
                key=tuple(meta["key"]),
                partition_by=meta.get("publish_by"),
                description=node["description"].strip(),
            )
        )
    return sorted(specs, key=lambda spec: spec.name)

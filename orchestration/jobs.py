"""The jobs: the daily run over everything, and the load of new files alone."""

# No `from __future__ import annotations` here: Dagster reads the steps' annotations as objects.
from collections.abc import Iterator
from datetime import date

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ingestion.lake import Lake
from orchestration.assets.models import GROUP as MODELS_GROUP
from orchestration.assets.models import RETRAIN_TAG
from orchestration.landing import sweep
from orchestration.partitions import arrival_days
from orchestration.settings import Settings

__all__ = [
    "DAILY",
    "INGEST",
    "RETRAIN",
    "UnresolvedAssetJobDefinition",
    "build_daily_job",
    "build_retrain_job",
    "ingest",
    "load_landing_files",
]

DAILY = "daily"
INGEST = "ingest"
RETRAIN = "retrain"


def build_daily_job() -> UnresolvedAssetJobDefinition:
    """Every asset and check; run it over a range of arrival days by the range tags, as one run."""
    return dg.define_asset_job(
        DAILY,
        selection=dg.AssetSelection.all(),
        description="Loads what waits, rewrites the range's days, rebuilds what stands on them, publishes.",
    )


def build_retrain_job() -> UnresolvedAssetJobDefinition:
    """The models and what stands on them, with every model learned anew; what waits to be loaded goes on waiting."""
    return dg.define_asset_job(
        RETRAIN,
        selection=dg.AssetSelection.groups(MODELS_GROUP).downstream(),
        tags={RETRAIN_TAG: "true"},
        description="Learns every model anew, lets it contest the one that serves, scores, publishes.",
    )


@dg.op(description="Loads every file that waits in the landing folder and reports the arrival days it touched.")
def load_landing_files(
    context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.AssetMaterialization | dg.Output[int]]:
    """Sweep the landing folder; fails where a file could not be loaded, after loading all others."""
    swept = sweep(settings, Lake(settings.lake), context.log.info)
    known_days = set(arrival_days(settings).get_partition_keys())
    for result in swept.loaded:
        entry = result.entry
        for part in entry.arrival_days:
            if date.fromisoformat(part["day"]).isoformat() in known_days:
                yield dg.AssetMaterialization(
                    asset_key=["lake", entry.contract],
                    partition=part["day"],
                    metadata={"rows": part["rows"], "load": entry.load_id, "file": entry.files[0]},
                )
    if swept.problems:
        listed = "\n".join(f"- {problem.name}: {problem.reason}" for problem in swept.problems)
        raise dg.Failure(
            f"{len(swept.problems)} files in landing/ could not be loaded and wait there; "
            f"{len(swept.loaded)} others were loaded.\n{listed}",
            allow_retries=False,
        )
    yield dg.Output(len(swept.loaded))


@dg.job(name=INGEST, description="Loads what waits in the landing folder; the days it touches become pending.")
def ingest() -> None:
    """The load of new files alone."""
    load_landing_files()

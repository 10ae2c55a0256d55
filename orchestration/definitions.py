"""Everything Dagster knows of Footfall, put together by ``build_defs``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import dagster as dg

from orchestration.assets.customer_models import MODEL_STEPS, promises
from orchestration.assets.customer_segments import SEGMENTS, build_segment_assets
from orchestration.assets.dbt_models import build_dbt_assets
from orchestration.assets.lake import build_lake_assets
from orchestration.assets.model_reports import build_model_reports
from orchestration.assets.models import build_model_assets
from orchestration.assets.published import build_published_asset
from orchestration.assets.recommendation_models import RECOMMENDATION_STEPS
from orchestration.checks import build_checks
from orchestration.jobs import build_daily_job, build_retrain_job, ingest
from orchestration.mart_specs import read_manifest
from orchestration.progress import progress_logger
from orchestration.resources import Warehouse
from orchestration.schedules import build_daily_schedule, build_retrain_schedule
from orchestration.sensors import build_freshness_sensor, build_landing_sensor
from orchestration.settings import Settings, load_settings

# Pools, owners of sensors and freshness policies are marked beta or preview. The lock file pins the one
# Dagster we have tested, and a warning on every start would teach people to overlook warnings.
for _category in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=_category)


def build_defs(
    resource_overrides: Mapping[str, object] | None = None, settings: Settings | None = None
) -> dg.Definitions:
    """The definitions for ``settings`` (default: environment and ``.env``).

    ``resource_overrides`` replaces resources by name (``settings``, ``warehouse``), as tests do. Raises
    ``SettingsError``, and ``FileNotFoundError`` where the dbt project was never parsed.
    """
    settings = settings or load_settings()
    manifest = read_manifest()
    daily = build_daily_job()
    return dg.Definitions(
        assets=[
            build_lake_assets(
                settings,
                {source["name"] for source in manifest["sources"].values() if source["source_name"] == "lake"},
            ),
            *build_dbt_assets(settings, manifest),
            build_segment_assets(settings),
            *build_model_assets(settings, [*MODEL_STEPS, *RECOMMENDATION_STEPS]),
            build_model_reports(
                settings,
                [SEGMENTS, *(step.assets[0] for step in (*MODEL_STEPS, *RECOMMENDATION_STEPS))],
                promises,
            ),
            build_published_asset(settings, manifest),
        ],
        asset_checks=build_checks(),
        jobs=[daily, build_retrain_job(), ingest],
        schedules=[build_daily_schedule(settings), build_retrain_schedule(settings)],
        sensors=[build_landing_sensor(daily), build_freshness_sensor()],
        resources={
            "settings": settings,
            "warehouse": Warehouse(settings.warehouse, settings.lake, settings.duckdb_memory, settings.duckdb_threads),
            **(resource_overrides or {}),
        },
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
        # A subprocess per step would cost five CPU-seconds of imports each.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `workspace.yaml` loads. A function, so that importing this module builds nothing."""
    return build_defs()

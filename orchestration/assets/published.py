"""The last step: what readers see. Until it has moved the pointer, the run's days stay pending."""

# No `from __future__ import annotations` here: Dagster reads the steps' annotations as objects.
from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration.mart_specs import MODEL_TABLES, mart_specs
from orchestration.resources import WAREHOUSE_POOL, Warehouse
from orchestration.settings import Settings
from orchestration.translator import FRESHNESS
from publishing.publish import publish

PUBLISHED = dg.AssetKey(["published"])


def build_published_asset(settings: Settings, manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The asset ``published``: every mart and the tables of the models, as one version."""
    specs = [*mart_specs(manifest), *MODEL_TABLES]

    @dg.asset(
        key=PUBLISHED,
        deps=[dg.AssetKey([spec.schema, spec.relation]) for spec in specs],
        description="The pointer to the published version: immutable Parquet files of every mart, for all readers.",
        group_name="publishing",
        owners=[settings.owner],
        kinds={"python", "parquet"},
        freshness_policy=FRESHNESS,
        pool=WAREHOUSE_POOL,
    )
    def published(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[Any]:
        with warehouse.connect(read_only=True) as connection:
            newest = connection.execute("SELECT max(kpi_date) FROM marts.agg_kpis_daily").fetchone()
            done = publish(
                connection,
                settings.published,
                specs,
                run_id=context.run.run_id,
                data_as_of=newest[0] if newest else None,
                keep_versions=settings.published_versions,
            )
        written = sum(table.written for table in done.tables.values())
        lines = [
            f"| {name} | {table.rows} | {table.written} | {table.carried + table.reused} | {table.reason} |"
            for name, table in sorted(done.tables.items())
        ]
        head = "| table | rows | files written | files kept | why |\n| --- | --- | --- | --- | --- |\n"
        return dg.MaterializeResult(
            metadata={
                "version": done.version,
                "changed": done.changed,
                "data_as_of": str(done.manifest.data_as_of),
                "files_written": written,
                "bytes_written": sum(table.bytes_written for table in done.tables.values()),
                "tables": dg.MarkdownMetadataValue(head + "\n".join(lines)),
            }
        )

    return published

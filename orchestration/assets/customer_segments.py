"""The segments step: customers grouped by what they bought and how they visit, with how well that worked."""

# No `from __future__ import annotations` here: Dagster reads the steps' annotations as objects.
from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.assets.models import GROUP, image_metadata
from orchestration.assets.tables import markdown_table
from orchestration.resources import WAREHOUSE_POOL, Warehouse
from orchestration.settings import Settings
from orchestration.translator import FRESHNESS

_READS = (dg.AssetKey(["marts", "customer_rfm"]), dg.AssetKey(["features", "feat_customers"]))
SEGMENTS = dg.AssetKey(["ml", "customer_segments"])
_TABLES = {
    "customer_segments": "Each customer's segment by K-Means on what was bought and, where it helps, on visits.",
    "segments": "One row a segment: its name in words, its size, its centre.",
    "segment_sizes": "The segments of every day there ever was, by the numbers that last from day to day.",
    "segment_history": "Who was in which segment on the last two days and at the ends of a year's months.",
    "segment_migrations": "Customers who moved from segment to segment since the last run and since last month.",
}


def build_segment_assets(settings: Settings) -> dg.AssetsDefinition:
    """``ml/customer_segments``, ``ml/segments`` and what keeps their numbers stable."""

    @dg.multi_asset(
        name="customer_segments",
        specs=[
            dg.AssetSpec(
                ["ml", table],
                deps=_READS,
                description=description,
                group_name=GROUP,
                owners=[settings.owner],
                kinds={"python", "scikitlearn", "duckdb"},
                freshness_policy=FRESHNESS,
            )
            for table, description in _TABLES.items()
        ],
        pool=WAREHOUSE_POOL,
    )
    def customer_segments(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        # Imported here: scikit-learn takes a second, which no page of the UI should wait for.
        from ml.segments.serving import segment_plots, segment_shops, write_segments

        with warehouse.connect(read_only=True) as connection:
            result = segment_shops(connection)
        with warehouse.connect() as connection:
            statuses = write_segments(connection, result)
        rows = warehouse.row_counts([("ml", table) for table in _TABLES])
        names = result.segments[["shop_id", "segment_id", "segment_name", "segment_name_zh", "customers", "share"]]
        shown: dict[str, Any] = {
            "model_version": result.model_version,
            "why": "; ".join(f"{status.shop_id}: {status.reason}" for status in statuses),
            "names": dg.MarkdownMetadataValue(markdown_table(list(names.columns), names.to_numpy().tolist())),
        }
        plots = image_metadata(segment_plots(result))
        for number, table in enumerate(_TABLES):
            # Every run's metadata stays in Dagster's storage: the plot is shown once, with the first table.
            told = {**shown, **plots} if number == 0 else shown
            yield dg.MaterializeResult(
                asset_key=["ml", table], metadata={"dagster/row_count": rows["ml", table], **told}
            )

    return customer_segments

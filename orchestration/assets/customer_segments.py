"""The model step: customers grouped by recency, frequency and money, with how well that worked."""

# No `from __future__ import annotations` here: Dagster reads the steps' annotations as objects.
from collections.abc import Iterator
from typing import Any

import dagster as dg

from ml.evaluation.results import EVALUATION_COLUMNS
from orchestration.resources import WAREHOUSE_POOL, Warehouse
from orchestration.settings import Settings
from orchestration.translator import FRESHNESS

GROUP = "ml"
RFM = dg.AssetKey(["marts", "customer_rfm"])
SEGMENTS = dg.AssetKey(["ml", "customer_segments"])


def build_segment_assets(settings: Settings) -> dg.AssetsDefinition:
    """``ml/customer_segments``, ``ml/segments`` and ``ml/evaluation``, made from the mart ``customer_rfm``."""

    def spec(name: str, description: str) -> dg.AssetSpec:
        return dg.AssetSpec(
            ["ml", name],
            deps=[RFM],
            description=description,
            group_name=GROUP,
            owners=[settings.owner],
            kinds={"python", "scikitlearn", "duckdb"},
            freshness_policy=FRESHNESS,
        )

    @dg.multi_asset(
        name="customer_segments",
        specs=[
            spec("customer_segments", "Each customer's segment by K-Means on recency, frequency and money."),
            spec("segments", "One row a segment: its name in words, its size, its centre."),
            spec("evaluation", "How good each model is, with intervals and naive baselines beside it."),
        ],
        pool=WAREHOUSE_POOL,
    )
    def customer_segments(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        # Imported here: scikit-learn takes a second, which no page of the UI should wait for.
        from ml.segments.customer_segments import CUSTOMER_COLUMNS, SEGMENT_COLUMNS, segment_customers
        from ml.write_table import replace_rows

        with warehouse.connect(read_only=True) as connection:
            rfm = connection.execute("SELECT * FROM marts.customer_rfm").df()
        result = segment_customers(rfm)
        with warehouse.connect() as connection:
            replace_rows(connection, ("ml", "customer_segments"), CUSTOMER_COLUMNS, result.customers)
            replace_rows(connection, ("ml", "segments"), SEGMENT_COLUMNS, result.segments)
            connection.execute("CREATE SCHEMA IF NOT EXISTS ml")
            replace_rows(connection, ("ml", "evaluation"), EVALUATION_COLUMNS, result.evaluation, by=("capability",))
        shared: dict[str, Any] = {"model_version": result.model_version, "customers": len(result.customers)}
        names = dg.MarkdownMetadataValue(_table(result.segments[["shop_id", "segment_name", "customers", "share"]]))
        yield dg.MaterializeResult(
            asset_key=["ml", "customer_segments"], metadata={**shared, "dagster/row_count": len(result.customers)}
        )
        yield dg.MaterializeResult(
            asset_key=["ml", "segments"],
            metadata={
                **shared,
                "segments": len(result.segments),
                "names": names,
                "why": "; ".join(result.reasons.values()),
            },
        )
        figures = result.evaluation[["shop_id", "model", "metric", "value", "ci_low", "ci_high"]]
        yield dg.MaterializeResult(
            asset_key=["ml", "evaluation"], metadata={**shared, "figures": dg.MarkdownMetadataValue(_table(figures))}
        )

    return customer_segments


def _table(frame: Any) -> str:
    header = f"| {' | '.join(frame.columns)} |\n| {' | '.join('---' for _ in frame.columns)} |\n"
    cells = frame.astype(object).where(frame.notna(), "").to_numpy().tolist()
    return header + "\n".join("| " + " | ".join(_cell(value) for value in row) + " |" for row in cells)


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

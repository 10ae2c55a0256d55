"""A step per capability of `ml/`: every shop is served, and the page shows what was learned and how good it is."""

# No `from __future__ import annotations` here: Dagster reads the steps' annotations as objects.
import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from ingestion.shops import Shop
from orchestration.assets.tables import markdown_table
from orchestration.resources import WAREHOUSE_POOL, Warehouse
from orchestration.settings import Settings
from orchestration.translator import FRESHNESS

if TYPE_CHECKING:
    from ml.serving.capability import Capability
    from ml.serving.serve import Served

GROUP = "ml"
#: Set to "true" on a run that shall learn every model anew.
RETRAIN_TAG = "footfall/retrain"
#: Beside it on a run that shall learn those of one shop alone: the shop.
RETRAIN_SHOP_TAG = "footfall/retrain_shop"
_SHOWN_PLOTS = 6
_SHOWN_DRIFT = 8
_SHOWN_ROWS = 200
#: Of one PNG; base64 makes a third more of it, 100 KB in all.
MOST_IMAGE_BYTES = 75_000


@dataclass(frozen=True)
class ModelStep:
    """One capability as a step: ``load`` imports it when the step runs (scikit-learn takes a second, which no
    page of the UI should wait for), ``tables`` describes what it writes, ``reads`` are the assets it reads.

    ``shows`` make further metadata of what was served, ``examples`` also of the names of products by shop and item.
    ``load_for`` comes instead of ``load`` where a capability heeds settings of the shops."""

    name: str
    load: Callable[[], "Capability"]
    tables: Mapping[str, str]
    reads: Sequence[dg.AssetKey]
    kinds: frozenset[str] = frozenset({"python", "scikitlearn", "duckdb"})
    shows: Sequence[Callable[[Sequence["Served"]], dict[str, Any]]] = ()
    examples: Callable[[Sequence["Served"], dict[tuple[str, str], str]], dict[str, Any]] | None = None
    load_for: Callable[[Sequence[Shop]], "Capability"] | None = None

    @property
    def assets(self) -> list[dg.AssetKey]:
        """``ml/<table>`` for each table."""
        return [dg.AssetKey(["ml", table]) for table in self.tables]


def build_model_assets(settings: Settings, steps: Sequence[ModelStep]) -> list[dg.AssetsDefinition]:
    """The steps' assets ``ml/<table>``."""
    return [_build(settings, step) for step in steps]


def _build(settings: Settings, step: ModelStep) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=step.name,
        specs=[
            dg.AssetSpec(
                ["ml", table],
                deps=list(step.reads),
                description=description,
                group_name=GROUP,
                owners=[settings.owner],
                kinds=set(step.kinds),
                freshness_policy=FRESHNESS,
            )
            for table, description in step.tables.items()
        ],
        pool=WAREHOUSE_POOL,
    )
    def models(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from ml.registry.store import ModelStore
        from ml.serving.serve import serve
        from ml.serving.write import write_served

        capability = step.load_for(settings.shops) if step.load_for else step.load()
        store = ModelStore(settings.models)
        tags = context.run.tags
        retrain, only = tags.get(RETRAIN_TAG) == "true", tags.get(RETRAIN_SHOP_TAG)
        with warehouse.connect(read_only=True) as connection:
            shops = [
                row[0] for row in connection.execute("SELECT shop_id FROM staging.stg_shops ORDER BY 1").fetchall()
            ]
            served = [
                serve(capability, store, connection, shop, retrain=retrain and only in (None, shop)) for shop in shops
            ]
        for one in served:
            for note in one.notes:
                context.log.info(f"{one.status.shop_id}: {note}")
        with warehouse.connect() as connection:
            rows = write_served(connection, capability, served)
            names = _product_names(connection) if step.examples else {}
        metadata = serving_metadata(served)
        further = {name: value for show in step.shows for name, value in show(served).items()}
        if step.examples:
            further |= step.examples(served, names)
        # Every run's metadata stays in Dagster's storage: the plots are shown once, with the first table.
        plots = image_metadata(served[0].plots) if served else {}
        for number, table in enumerate(step.tables):
            shown = {**metadata, **further, **plots} if number == 0 else metadata
            yield dg.MaterializeResult(asset_key=["ml", table], metadata={"dagster/row_count": rows[table], **shown})

    return models


def _product_names(connection: Any) -> dict[tuple[str, str], str]:
    rows = connection.execute(
        "SELECT shop_id, item_id, item_name FROM marts.dim_products WHERE is_current AND item_name IS NOT NULL"
    ).fetchall()
    return {(shop, item): name for shop, item, name in rows}


def image_metadata(plots: Mapping[str, bytes]) -> dict[str, dg.MarkdownMetadataValue]:
    """PNG images by title, as an asset's page shows them: the first few, and none so great that it bloats the storage
    that keeps it (``MOST_IMAGE_BYTES``), of which only the title is shown."""
    return {
        title: dg.MarkdownMetadataValue(
            f"![{title}](data:image/png;base64,{base64.b64encode(image).decode()})"
            if len(image) <= MOST_IMAGE_BYTES
            else f"{title}: not shown, {len(image) // 1024} KB"
        )
        for title, image in list(plots.items())[:_SHOWN_PLOTS]
    }


def serving_metadata(served: Sequence["Served"]) -> dict[str, Any]:
    """What a page shows of all shops: states, figures and drift, the first of each where shops are many."""
    statuses = [
        [one.status.shop_id, one.status.status, str(one.status.served_as_of or ""), one.status.reason] for one in served
    ]
    shown: dict[str, Any] = {
        "status": dg.MarkdownMetadataValue(
            markdown_table(["shop", "status", "served as of", "why"], statuses[:_SHOWN_ROWS])
        )
    }
    figures = [
        [row.shop_id, row.model, row.metric, row.value, row.ci_low, row.ci_high]
        for one in served
        for row in one.evaluation.itertuples()
        if row.metric in _HEADLINES
    ]
    if figures:
        head = ["shop", "model", "metric", "value", "low", "high"]
        shown["evaluation"] = dg.MarkdownMetadataValue(markdown_table(head, figures[:_SHOWN_ROWS]))
    drifted = [
        [one.status.shop_id, each.feature, each.psi, each.level]
        for one in served
        for each in sorted(one.drift, key=lambda each: -each.psi)[:_SHOWN_DRIFT]
    ]
    if drifted:
        shown["drift"] = dg.MarkdownMetadataValue(
            markdown_table(["shop", "feature", "PSI", "level"], drifted[:_SHOWN_ROWS])
        )
    versions = sorted({one.record.version for one in served if one.record})
    return {**shown, "model_versions": ", ".join(versions[:_SHOWN_ROWS]) or "none"}


_HEADLINES = (
    "auc",
    "average_precision",
    "brier",
    "lift_at_10pct",
    "calibration_error",
    "rmse",
    "mae",
    "spearman",
    "ndcg@10",
    "recall@10",
    "hr@20",
    "mrr@20",
    "rules_kept",
)

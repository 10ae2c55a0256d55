"""The step after all models: which serve, how good they are, whether their scores are fresh, and who was right."""

# No `from __future__ import annotations` here: Dagster reads the steps' annotations as objects.
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.assets.models import GROUP
from orchestration.assets.tables import markdown_table
from orchestration.resources import WAREHOUSE_POOL, Warehouse
from orchestration.settings import Settings
from orchestration.translator import FRESHNESS

if TYPE_CHECKING:
    from ml.serving.outcomes import Promise

_TABLES = {
    "evaluation": "How good each model is, with intervals and naive baselines beside it.",
    "model_registry": "Every trained version: its data, features and metrics, and whether it serves.",
    "score_status": "Whether each capability's scores are of today, and if not, why not.",
    "score_history": "The scores of one day a week, kept until their horizon has passed.",
    "outcomes": "Scores beside what happened once their horizon had passed, per model version.",
}
_NOT_FRESH = "scores_are_fresh"
_SHOWN = 40


def build_model_reports(
    settings: Settings, after: Sequence[dg.AssetKey], promises: Callable[[], Sequence["Promise"]]
) -> dg.AssetsDefinition:
    """``ml/evaluation``, ``ml/model_registry``, ``ml/score_status``, ``ml/score_history`` and ``ml/outcomes``.

    ``after`` are the models' assets, ``promises`` imports what can be held to what happened.
    """

    @dg.multi_asset(
        name="model_reports",
        specs=[
            dg.AssetSpec(
                ["ml", table],
                deps=list(after),
                description=description,
                group_name=GROUP,
                owners=[settings.owner],
                kinds={"python", "duckdb"},
                freshness_policy=FRESHNESS,
            )
            for table, description in _TABLES.items()
        ],
        check_specs=[
            dg.AssetCheckSpec(
                _NOT_FRESH,
                asset=["ml", "score_status"],
                description="No capability serves scores of an earlier day because today's were refused.",
            )
        ],
        pool=WAREHOUSE_POOL,
    )
    def model_reports(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        from ml.registry.record import REGISTRY_COLUMNS
        from ml.registry.store import ModelStore
        from ml.serving.outcomes import keep_scores, measure_outcomes
        from ml.write_table import replace_rows

        with warehouse.connect() as connection:
            replace_rows(connection, ("ml", "model_registry"), REGISTRY_COLUMNS, ModelStore(settings.models).registry())
            for promise in promises():
                keep_scores(connection, promise)
                measure_outcomes(connection, promise)
            stale = connection.execute(
                "SELECT shop_id, capability, served_as_of, reason FROM ml.score_status "
                "WHERE status = 'stale' ORDER BY ALL"
            ).fetchall()
            for table in _TABLES:
                yield dg.MaterializeResult(asset_key=["ml", table], metadata=_shown(connection, table))
        yield dg.AssetCheckResult(
            asset_key=["ml", "score_status"],
            check_name=_NOT_FRESH,
            passed=not stale,
            severity=dg.AssetCheckSeverity.WARN,
            description="\n".join(
                f"{capability} of shop {shop} serves scores of {day or 'no day'}: {reason}"
                for shop, capability, day, reason in stale
            )
            or "All scores are of today.",
            metadata={"stale": len(stale)},
        )

    return model_reports


def _shown(connection: Any, table: str) -> dict[str, Any]:
    counted = connection.execute(f"SELECT count(*) FROM ml.{table}").fetchone()
    columns = _COLUMNS.get(table)
    shown: dict[str, Any] = {"dagster/row_count": counted[0]}
    if columns:
        rows = connection.execute(
            f"SELECT {', '.join(columns)} FROM ml.{table} {_WHERE.get(table, '')} ORDER BY ALL LIMIT {_SHOWN}"
        ).fetchall()
        shown[table] = dg.MarkdownMetadataValue(markdown_table(columns, rows))
    return shown


_COLUMNS = {
    "evaluation": ("capability", "shop_id", "model", "metric", "value", "ci_low", "ci_high"),
    "model_registry": ("capability", "shop_id", "model", "status", "is_pinned", "trained_as_of", "version", "reason"),
    "score_status": ("shop_id", "capability", "status", "served_as_of", "reason"),
    "outcomes": ("capability", "shop_id", "as_of", "horizon_days", "model_version", "metric", "value", "n"),
}
_WHERE = {
    "evaluation": "WHERE metric IN ('auc', 'brier', 'mae', 'silhouette', 'bootstrap_ari', 'ndcg@10', 'mrr@20')",
    "outcomes": "WHERE metric IN ('auc', 'brier')",
}

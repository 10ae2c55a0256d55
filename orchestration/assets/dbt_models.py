"""The dbt steps of a run: models that follow arrival days, those rebuilt whole from compact tables, those on scores."""

# No `from __future__ import annotations` here: Dagster reads the steps' annotations as objects.
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test, get_updated_cli_invocation_params_for_context

from ingestion.identity_overrides import check_overrides
from ingestion.lake import Lake
from orchestration.batches import batches, rows_by_day
from orchestration.dbt_in_process import DbtOutcome, NodeResult, run_dbt
from orchestration.partitions import FULL_REFRESH_TAG, arrival_days, run_days, tagged_days
from orchestration.resources import WAREHOUSE_POOL, Warehouse
from orchestration.settings import Settings
from orchestration.translator import FootfallTranslator
from publishing.pending import refresh_mark

#: Models of refresh class "from daily", and those of them that read what models wrote.
WHOLE, AFTER_ML = "tag:whole", "tag:after_ml"

#: What the mark of a full refresh says: how far it came.
_BEGUN, _DAILY_DONE = "begun", "daily tables done"
Days = tuple[date, date]
Yielded = dg.MaterializeResult[Any] | dg.AssetCheckResult


def build_dbt_assets(settings: Settings, manifest: Mapping[str, Any]) -> list[dg.AssetsDefinition]:
    """The daily step (partitioned by arrival day, any range in one run), the whole step and the one on scores."""
    translator = FootfallTranslator(settings.owner)

    # One partitioning for all of the step, views and seeds included: assets that are partitioned differently
    # are split over several runs by a backfill from the UI, and a part of this step alone would be wrong.
    # Excluding the models of later steps excludes the tests that read them, too: those run with the later step.
    @dbt_assets(
        manifest=manifest,
        exclude=f"{WHOLE} {AFTER_ML}",
        name="dbt_daily",
        partitions_def=arrival_days(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        dagster_dbt_translator=translator,
        pool=WAREHOUSE_POOL,
    )
    def dbt_daily(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Yielded]:
        window, rows = run_days(context), rows_by_day(Lake(settings.lake))
        full = _is_full_refresh(context, settings)
        if full:
            settings.home.mkdir(parents=True, exist_ok=True)
            refresh_mark(settings.warehouse).write_text(_BEGUN)
            window = min([window[0], *rows]), max([window[1], *rows])
        spans = batches(*window, rows, settings.batch_rows)
        yield from _build(context, manifest, translator, settings, warehouse, dbt_commands(window, spans, full), window)
        if full:
            refresh_mark(settings.warehouse).write_text(_DAILY_DONE)

    @dbt_assets(
        manifest=manifest,
        select=WHOLE,
        exclude=AFTER_ML,
        name="dbt_whole",
        dagster_dbt_translator=translator,
        pool=WAREHOUSE_POOL,
    )
    def dbt_whole(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Yielded]:
        # These models know no window, but their tests on daily tables then look at what the run rewrote alone.
        full = _is_full_refresh(context, settings)
        mark = refresh_mark(settings.warehouse)
        if full and mark.exists() and mark.read_text() != _DAILY_DONE:
            raise dg.Failure(
                description="A full refresh died half-way, and the daily tables are not whole: run all of it again, "
                "with `footfall run` or the job `daily`.",
                allow_retries=False,
            )
        window = None if full else tagged_days(context.run.tags)
        yield from _build(context, manifest, translator, settings, warehouse, dbt_commands(window, [], full), None)
        mark.unlink(missing_ok=True)

    @dbt_assets(
        manifest=manifest,
        select=AFTER_ML,
        name="dbt_after_ml",
        dagster_dbt_translator=translator,
        pool=WAREHOUSE_POOL,
    )
    def dbt_after_ml(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Yielded]:
        commands = dbt_commands(None, [], full=False)
        yield from _build(context, manifest, translator, settings, warehouse, commands, None)

    return [dbt_daily, dbt_whole, dbt_after_ml]


def _is_full_refresh(context: dg.AssetExecutionContext, settings: Settings) -> bool:
    """One that was asked for, or one that was begun and died: half of a history must not pass for the whole."""
    return context.run.tags.get(FULL_REFRESH_TAG) == "true" or refresh_mark(settings.warehouse).exists()


def dbt_commands(window: Days | None, spans: Sequence[Days], full: bool) -> list[list[str]]:
    """What dbt is told, in order: one build where one batch is enough; else batch after batch, then the tests of all.

    Unit tests say something about the code, not about the data: `make test` runs them, a run does not.
    """
    refresh = ["--full-refresh"] if full else []
    around = [] if full or window is None else _window_arguments(window)
    if len(spans) < 2:
        return [["build", "--exclude-resource-type", "unit_test", *around, *refresh]]
    models = ["build", "--exclude-resource-type", "unit_test", "test"]
    return [
        *([*models, *_window_arguments(span), *(refresh if span == spans[0] else [])] for span in spans),
        ["build", "--resource-type", "test", *around],
    ]


def _window_arguments(window: Days) -> list[str]:
    end = window[1] + timedelta(days=1)
    return ["--event-time-start", window[0].isoformat(), "--event-time-end", end.isoformat()]


def _build(
    context: dg.AssetExecutionContext,
    manifest: Mapping[str, Any],
    translator: FootfallTranslator,
    settings: Settings,
    warehouse: Warehouse,
    commands: list[list[str]],
    window: Days | None,
) -> Iterator[Yielded]:
    try:
        check_overrides(Lake(settings.lake))
    except ValueError as error:
        raise dg.Failure(description=f"Mend this file, then run again. {error}", allow_retries=False) from None
    params = get_updated_cli_invocation_params_for_context(
        context=context, manifest=manifest, dagster_dbt_translator=translator
    )
    selection = [*params.selection_args]
    if params.indirect_selection:
        selection += ["--indirect-selection", params.indirect_selection]
    (settings.home / "tmp").mkdir(parents=True, exist_ok=True)
    outcome = DbtOutcome(())
    for number, command in enumerate(commands, start=1):
        if len(commands) > 1:
            context.log.info(f"Part {number} of {len(commands)}: dbt {' '.join(command)}")
        outcome = outcome.followed_by(
            run_dbt(
                [*command, *selection],
                settings.warehouse_environment(),
                target=settings.home / "dbt_target",
                on_node=_progress(context),
            )
        )
        if outcome.failed:
            break
    yield from _materialized(manifest, translator, warehouse, outcome, window)
    yield from _checked(manifest, translator, outcome, context.selected_asset_check_keys)
    if outcome.failed:
        raise dg.Failure(
            description=_failure_in_words(outcome, settings),
            metadata={"failed": len(outcome.failed), "nodes": len(outcome.results)},
            # The same data give the same failure; a retry would only cost time.
            allow_retries=False,
        )


def _materialized(
    manifest: Mapping[str, Any],
    translator: FootfallTranslator,
    warehouse: Warehouse,
    outcome: DbtOutcome,
    window: Days | None,
) -> Iterator[dg.MaterializeResult[Any]]:
    built = [
        (result, manifest["nodes"][result.unique_id])
        for result in outcome.results
        if result.succeeded and result.unique_id.partition(".")[0] in ("model", "seed")
    ]
    tables = [(node["schema"], node["alias"]) for _, node in built if node["config"]["materialized"] != "view"]
    rows = warehouse.row_counts(tables)
    for result, node in built:
        metadata: dict[str, Any] = {"seconds": round(result.seconds, 3)}
        counted = rows.get((node["schema"], node["alias"]))
        if counted is not None:
            metadata["dagster/row_count"] = counted
        if window is not None and node["config"].get("meta", {}).get("refresh_class") == "window":
            metadata["arrival_days"] = f"{window[0]} to {window[1]}"
        yield dg.MaterializeResult(
            asset_key=translator.get_asset_spec(manifest, result.unique_id, None).key, metadata=metadata
        )


def _checked(
    manifest: Mapping[str, Any],
    translator: FootfallTranslator,
    outcome: DbtOutcome,
    selected: Any,
) -> Iterator[dg.AssetCheckResult]:
    for result in outcome.results:
        if not result.unique_id.startswith("test.") or result.status == "skipped":
            continue
        key = get_asset_check_key_for_test(manifest, translator, result.unique_id, None)
        # A singular test over many tables belongs to no asset; its failure still fails the step.
        if key is None or key not in selected:
            continue
        warned = result.status == "warn"
        yield dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=result.status == "pass",
            severity=dg.AssetCheckSeverity.WARN if warned else dg.AssetCheckSeverity.ERROR,
            description=None if result.status == "pass" else _test_in_words(result),
            metadata={"rows_at_fault": result.failures or 0, "seconds": round(result.seconds, 3)},
        )


def _progress(context: dg.AssetExecutionContext) -> Callable[[str], None]:
    return lambda words: context.log.info(words)


def _test_in_words(result: NodeResult) -> str:
    name = result.unique_id.split(".")[2]
    return f"{name}: {result.message or f'{result.failures} rows at fault'}"


def _failure_in_words(outcome: DbtOutcome, settings: Settings) -> str:
    lines = [f"{result.unique_id}: {' '.join((result.message or result.status).split())}" for result in outcome.failed]
    skipped = sum(result.status == "skipped" for result in outcome.results)
    return (
        f"dbt: {len(lines)} of {len(outcome.results)} nodes failed, {skipped} skipped because of them. Nothing of this "
        f"run was published. The SQL is under {settings.home / 'dbt_target'}.\n" + "\n".join(lines)
    )

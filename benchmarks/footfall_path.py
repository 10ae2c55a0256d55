"""Footfall's own path over a log, one stage a process, so that each can be measured apart.

    python -m benchmarks.footfall_path ingest <home> <file> …
    python -m benchmarks.footfall_path seed <home>
    python -m benchmarks.footfall_path start-up <home>         what dbt costs by itself: the models on no rows
    python -m benchmarks.footfall_path models <home> <first arrival day> <last arrival day>

The stages are the ones that a run goes through, called as `orchestration` calls them. ``models`` prints
the seconds of every model as JSON in its last line.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from benchmarks.taobao_log import CURRENCY, MAPPING, TIMEZONE

#: What is measured: from events to RFM. Their tests, dimensions and audits are left out on both sides.
MODELS = """
    stg_shops stg_loads stg_events stg_orders stg_order_items stg_refunds
    int_event_losers int_events int_events_too_late int_session_days int_visitor_days int_bot_days
    fct_sessions agg_user_daily int_traffic_daily int_product_mentions int_product_disputes int_product_days
    int_funnel_views int_funnel_steps int_session_funnels int_visitor_funnels agg_funnel_daily
    int_order_events int_orders_touched int_order_events_touched int_refunds_touched int_orders_placed
    int_order_movements fct_order_items fct_orders agg_kpis_daily audit_arrival_days customer_rfm
"""


def ingest(home: Path, files: list[Path]) -> None:
    """Load files into the lake of ``home``."""
    from ingestion.lake import Lake
    from ingestion.load import ingest_files
    from ingestion.shops import Shop

    shop = Shop("main", TIMEZONE, CURRENCY)
    for result in ingest_files(Lake(home / "lake"), files, MAPPING, shop):
        entry = result.entry
        if result.already_loaded or entry.rows_quarantined:
            raise SystemExit(f"{entry.files[0]}: expected new rows that all fit, found {entry}")


def models(home: Path, first: date, last: date) -> None:
    """Build every model of the arrival days, in batches as a run takes them; print their seconds."""
    from ingestion.lake import Lake
    from orchestration.batches import batches, rows_by_day
    from orchestration.settings import load_settings

    seconds: Counter[str] = Counter()
    for begun, ended in batches(first, last, rows_by_day(Lake(home / "lake")), load_settings().batch_rows):
        window = ["--event-time-start", begun.isoformat(), "--event-time-end", (ended + timedelta(days=1)).isoformat()]
        seconds += dbt(home, "run", "--select", " ".join(MODELS.split()), *window)
    print(json.dumps({name: round(spent, 3) for name, spent in seconds.items()}))


def dbt(home: Path, *arguments: str) -> Counter[str]:
    """Run dbt on the warehouse of ``home`` and count each node's seconds; ``SystemExit`` names what failed."""
    from orchestration.dbt_in_process import run_dbt

    (home / "tmp").mkdir(parents=True, exist_ok=True)
    outcome = run_dbt(arguments, {"FOOTFALL_HOME": str(home)}, home / "dbt_target")
    if outcome.failed:
        raise SystemExit("\n".join(f"{node.unique_id}: {node.message}" for node in outcome.failed))
    return Counter({node.unique_id.rpartition(".")[2]: node.seconds for node in outcome.results})


def main() -> None:
    """Run one of the stages of the module's docstring."""
    stage, home, *rest = sys.argv[1:]
    if stage == "ingest":
        ingest(Path(home), [Path(file) for file in rest])
    elif stage == "seed":
        dbt(Path(home), "seed")
    elif stage == "start-up":
        dbt(Path(home), "run", "--select", " ".join(MODELS.split()))
    elif stage == "models":
        models(Path(home), date.fromisoformat(rest[0]), date.fromisoformat(rest[1]))
    else:
        raise SystemExit(f"{stage}: expected ingest, seed, start-up or models")


if __name__ == "__main__":
    main()

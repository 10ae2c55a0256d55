"""`footfall demo`: a simulated shop through every step, on a machine that has nothing yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.contract import CURRENCY_EXPONENTS, DEFAULT_EXPONENT
from ingestion.durable import write_bytes_durably
from ingestion.lake import Lake
from ingestion.ledger import active_loads, read_ledger
from ingestion.load import connect, ingest_file
from ingestion.mapping import load_mapping
from orchestration.settings import Settings
from publishing.reader import PublishedReader

if TYPE_CHECKING:
    from orchestration.run_days import RunOutcome

#: The shop that is simulated.
SHOP = {"shop_id": "demo", "timezone": "Asia/Shanghai", "currency": "CNY", "orders_from": "tables"}
_EVENTS = "footfall_simulator_events"
_TABLES = "footfall_simulator_"

Say = Callable[[str], None]


@dataclass(frozen=True)
class DemoSummary:
    """What the demo ended with. Money is in minor units of ``currency``."""

    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    rows_duplicate: int
    sessions: int
    orders: int
    net_revenue_minor: int
    currency: str
    value_groups: list[tuple[str, str, int]]
    segments: list[tuple[str, str, int]]
    bought_together: list[tuple[str, str, int, float]]
    version: str


def simulate_once(settings: Settings, visitors: int, days: int, seed: int, today: date, say: Say) -> Path:
    """The simulated shop's files, written when they are not there yet; returns their folder.

    The parameters of the first time are kept beside the files and win over the arguments: a rerun
    works on the same shop, whatever the date. A folder that a crash left half-written is written anew.
    """
    from ingestion.simulator import SimulatorConfig, simulate

    folder = settings.home / "demo"
    kept = folder / "parameters.json"
    if kept.is_file():
        return folder
    config = SimulatorConfig(
        visitors=visitors,
        days=days,
        seed=seed,
        start=today - timedelta(days=days),
        timezone=SHOP["timezone"],
        currency=SHOP["currency"],
    )
    say(f"Simulating a shop: {visitors:,} visitors, {days} days from {config.start}")
    summary = simulate(config, folder)
    say(f"  {summary.lines:,} log lines in {summary.log_files} files, {summary.table_files} shop tables")
    write_bytes_durably(kept, config.model_dump_json(indent=1).encode())
    return folder


def ingest_shop(settings: Settings, folder: Path, say: Say) -> int:
    """Load the shop's logs and tables; returns how many files were new."""
    lake = Lake(settings.lake)
    shop = settings.shop(SHOP["shop_id"])
    files = [(_EVENTS, path) for path in sorted((folder / "logs").iterdir())]
    files += [(_TABLES + path.stem, path) for path in sorted((folder / "tables").iterdir())]
    say(f"Ingesting {len(files)} files")
    mappings = {name: load_mapping(name) for name in {name for name, _ in files}}
    new = 0
    with connect(lake) as connection:
        for name, path in files:
            new += not ingest_file(lake, path, mappings[name], shop, connection=connection).already_loaded
    say(f"  {new} new, {len(files) - new} known already")
    return new


def run_demo(settings: Settings, visitors: int, days: int, seed: int, today: date, say: Say) -> list[RunOutcome]:
    """Simulate once, ingest, run what is pending as one run. The outcome's failures say what went wrong."""
    from orchestration.cli_runs import run_range
    from orchestration.health import waiting_days

    folder = simulate_once(settings, visitors, days, seed, today, say)
    ingest_shop(settings, folder, say)
    pending = waiting_days(settings)
    if not pending:
        say("Nothing is pending: everything is published already")
        return []
    return run_range(settings, pending[0].arrival_date, pending[-1].arrival_date)


def summarise(settings: Settings) -> DemoSummary:
    """The figures of the ledger and of the published marts. Raises ``MissingMart`` where one is absent."""
    loads = active_loads(read_ledger(Lake(settings.lake)))
    reader = PublishedReader(settings.published)
    reader.require("fct_sessions", "fct_orders", "customer_rfm", "customer_segments", "association_rules")
    with reader.connect() as connection:
        sessions = _one(connection, "SELECT count(*) FROM fct_sessions")[0]
        orders, net, currency = _one(
            connection,
            "SELECT count(*) FILTER (has_purchase), coalesce(sum(net_revenue_minor), 0)::BIGINT, min(currency) "
            "FROM fct_orders",
        )
        groups = connection.execute(
            "SELECT value_group, value_group_zh, count(*) FROM customer_rfm GROUP BY ALL ORDER BY 3 DESC, 1"
        ).fetchall()
        segments = connection.execute(
            "SELECT segment_name, segment_name_zh, count(*) FROM customer_segments GROUP BY ALL ORDER BY 3 DESC, 1"
        ).fetchall()
        together = connection.execute(
            "SELECT array_to_string(antecedent_names, ' + '), consequent_name, baskets_both, lift "
            # of the rules of one basket the surest
            "FROM association_rules QUALIFY row_number() OVER (PARTITION BY "
            "list_sort(list_append(antecedent, consequent_item_id)) ORDER BY confidence DESC, rule_id) = 1 "
            "ORDER BY leverage DESC, rule_id LIMIT 5"
        ).fetchall()
    return DemoSummary(
        rows_read=sum(entry.rows_read for entry in loads),
        rows_accepted=sum(entry.rows_accepted for entry in loads),
        rows_quarantined=sum(entry.rows_quarantined for entry in loads),
        rows_duplicate=sum(entry.rows_duplicate for entry in loads),
        sessions=sessions,
        orders=orders,
        net_revenue_minor=net,
        currency=currency or SHOP["currency"],
        value_groups=groups,
        segments=segments,
        bought_together=together,
        version=reader.version,
    )


def summary_in_words(summary: DemoSummary, settings: Settings) -> str:
    """The page that the demo ends with."""
    lines = [
        "",
        f"Rows        read {summary.rows_read:,} = accepted {summary.rows_accepted:,} + quarantined "
        f"{summary.rows_quarantined:,} + duplicate {summary.rows_duplicate:,}",
        f"Sessions    {summary.sessions:,}",
        f"Orders      {summary.orders:,}, net revenue {_major(summary.net_revenue_minor, summary.currency)}",
        f"Published   {summary.version}",
        "",
        "RFM groups (value)",
        *(f"  {count:>6,}  {zh}  {en}" for en, zh, count in summary.value_groups),
        "",
        "Segments (K-Means)",
        *(f"  {count:>6,}  {en}  {zh}" for en, zh, count in summary.segments),
        "",
        "Bought together (orders with both; how much more often than by chance)",
        *(f"  {count:>6,}  {one} → {other}  × {lift:.0f}" for one, other, count, lift in summary.bought_together),
        *([] if summary.bought_together else ["          nothing yet that chance would not explain"]),
        "",
        "Where to look next",
        "  make dev               the asset graph, every run and check, at http://127.0.0.1:3000",
        "  make docs              every table and column described",
        f"  {settings.published}   the published Parquet files, for notebooks and BI",
        "  footfall ingest --help  your own logs",
    ]
    return "\n".join(lines)


def _major(minor: int, currency: str) -> str:
    digits = CURRENCY_EXPONENTS.get(currency, DEFAULT_EXPONENT)
    return f"{minor / 10**digits:,.{digits}f} {currency}"


def _one(connection: Any, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return tuple(row)

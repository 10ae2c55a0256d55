"""What models of a shop with many customers cost: ``python -m benchmarks.customers [customers]``.

Repeat with ``python -m benchmarks.customers 200000``. Makes a warehouse with that many customers (`customer_shop.py`)
and has every capability of customers learn, score and write as its Dagster step does, then score alone as on any other
day. Beside each stands what a plain script costs (`handwritten_models.py`). Every stage is a process of its own,
measured by the kernel: start of Python, reading and writing are in its CPU-seconds, and its peak memory is its own.

Prints Markdown tables and whether every capability learns and scores within 180 CPU-seconds and 3 GB (the exit code is
1 where one does not); ``--json`` writes the same figures.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.customer_shop import BEGIN, SHOP
from benchmarks.stage_costs import Cost, measure

_ROOT = Path(__file__).resolve().parent.parent
#: What training and scoring may take for 200,000 customers, for each capability.
MOST_CPU_S, MOST_MB = 180, 3_000
CAPABILITIES = ("churn", "purchase_propensity", "customer_value", "customer_segments")
#: CPU-seconds by part of a stage, as the process itself counts them.
PARTS = ("read", "train", "drift", "score", "write")


@dataclass
class Report:
    """One capability: the process that learns and scores, the one that scores alone, the plain script; ``parts`` of the
    first two, and what each said."""

    name: str
    learn: Cost
    score: Cost
    hand: Cost
    parts: dict[str, dict[str, float]] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)


class Timed:
    """A capability whose methods count their CPU-seconds into ``spent``."""

    def __init__(self, capability: Any, spent: defaultdict[str, float]) -> None:
        self._capability, self._spent = capability, spent

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._capability, name)
        return counted(found, name, self._spent) if name in PARTS else found


def counted(function: Callable[..., Any], name: str, spent: defaultdict[str, float]) -> Callable[..., Any]:
    """``function``, whose CPU-seconds (all threads of the process) are added to ``spent``."""

    def called(*arguments: Any, **named: Any) -> Any:
        begun = time.process_time()
        try:
            return function(*arguments, **named)
        finally:
            spent[name] += time.process_time() - begun

    return called


def run_stage(name: str, home: Path) -> None:
    """What the Dagster step of capability ``name`` does, for the shop of ``home``; prints parts and verdict as JSON."""
    from orchestration.resources import Warehouse

    warehouse = Warehouse(home / "warehouse.duckdb", home / "lake", "4GB", 2)
    spent: defaultdict[str, float] = defaultdict(float)
    told = _segments(warehouse, spent) if name == "customer_segments" else _served(name, warehouse, home, spent)
    print(json.dumps({"parts": {part: round(spent[part], 2) for part in PARTS}, "told": told}))


def _served(name: str, warehouse: Any, home: Path, spent: defaultdict[str, float]) -> str:
    from ml.registry.store import ModelStore
    from ml.serving.serve import serve
    from ml.serving.write import write_served
    from orchestration.assets.customer_models import MODEL_STEPS

    step = next(step for step in MODEL_STEPS if step.name == name)
    capability: Any = Timed(step.load(), spent)
    with warehouse.connect(read_only=True) as connection:
        served = serve(capability, ModelStore(home / "models"), connection, SHOP)
    if served.status.status != "fresh":
        raise SystemExit(f"{name}: expected fresh scores, got {served.status}")
    with warehouse.connect() as connection:
        rows = counted(write_served, "write", spent)(connection, capability, [served])
    model = served.record.model if served.record else ""
    return f"{model}, {rows[next(iter(capability.tables))]:,} rows"


def _segments(warehouse: Any, spent: defaultdict[str, float]) -> str:
    from ml.segments.serving import segment_shops, write_segments

    with warehouse.connect(read_only=True) as connection:
        result = counted(segment_shops, "train", spent)(connection)
    with warehouse.connect() as connection:
        counted(write_segments, "write", spent)(connection, result)
    return f"{len(result.segments)} segments, {len(result.customers):,} rows"


def run(home: Path, customers: int) -> list[Report]:
    """Make the shop unless ``home`` has one, then measure every capability."""
    environment = {
        "FOOTFALL_HOME": str(home),
        "FOOTFALL_HISTORY_START": BEGIN.isoformat(),
        "PYTHONPATH": str(_ROOT),
    }

    def stage(*arguments: object) -> tuple[Cost, str]:
        cost, printed = measure([sys.executable, *map(str, arguments)], environment, [home / "tmp"])
        return cost, printed.strip().splitlines()[-1] if printed.strip() else ""

    if not (home / "warehouse.duckdb").exists():
        stage("-c", "from orchestration.dbt_in_process import prepare_manifest; prepare_manifest()")
        cost, _ = stage("-m", "benchmarks.customer_shop", home, customers)
        say(f"a shop of {customers:,} customers made in {cost.wall_s:.0f} s")
    reports = []
    for name in CAPABILITIES:
        command = ("-m", "benchmarks.customers", "--stage", name, "--home", home)
        shutil.rmtree(home / "models" / name, ignore_errors=True)
        (learn, learned), (score, scored) = stage(*command), stage(*command)
        hand, by_hand = stage("-m", "benchmarks.handwritten_models", name, home / "warehouse.duckdb", 90)
        first, second = json.loads(learned), json.loads(scored)
        reports.append(
            Report(
                name,
                learn,
                score,
                hand,
                {"learn": first["parts"], "score": second["parts"]},
                {"Footfall": first["told"], "by hand": by_hand},
            )
        )
        costs = f"{learn.cpu_s:.0f} CPU-s, other days {score.cpu_s:.0f}, by hand {hand.cpu_s:.0f}"
        say(f"{name}: {costs}; {reports[-1].told}")
    return reports


def markdown(reports: list[Report]) -> str:
    """The table, a row a capability and the sum."""
    lines = [
        "| | learn and score: wall s | CPU-s | read, train, score, write | peak MB | score alone: CPU-s | peak MB "
        "| by hand: CPU-s | peak MB | ratio |",
        "|---|--:|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    for one in reports:
        parts = ", ".join(f"{one.parts['learn'][part]:.1f}" for part in ("read", "train", "score", "write"))
        lines.append(
            f"| {one.name} | {one.learn.wall_s:.0f} | {one.learn.cpu_s:.1f} | {parts} | {one.learn.peak_mb:,.0f} "
            f"| {one.score.cpu_s:.1f} | {one.score.peak_mb:,.0f} | {one.hand.cpu_s:.1f} | {one.hand.peak_mb:,.0f} "
            f"| {one.learn.cpu_s / one.hand.cpu_s:.1f} |"
        )
    learn, score, hand = (sum(getattr(one, side).cpu_s for one in reports) for side in ("learn", "score", "hand"))
    wall, peak = sum(one.learn.wall_s for one in reports), max(one.learn.peak_mb for one in reports)
    lines.append(
        f"| **all** | {wall:.0f} | **{learn:.1f}** | | **{peak:,.0f}** | {score:.1f} "
        f"| {max(one.score.peak_mb for one in reports):,.0f} | {hand:.1f} "
        f"| {max(one.hand.peak_mb for one in reports):,.0f} | {learn / hand:.1f} |"
    )
    return "\n".join(lines)


def say(words: str) -> None:
    """Progress, beside the report on standard output."""
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    """Parse the command line, run, print, and say by the exit code whether the bound holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("customers", type=int, nargs="?", default=200_000)
    parser.add_argument("--home", type=Path, help="folder of the shop, kept and used again (default: temporary)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--stage", choices=CAPABILITIES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        run_stage(options.stage, options.home)
        return
    os.chdir(_ROOT)
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as temporary:
        home = (options.home or Path(temporary)).resolve()
        home.mkdir(parents=True, exist_ok=True)
        reports = run(home, options.customers)
    print(markdown(reports))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in reports], indent=1))
    spent, peak = max(one.learn.cpu_s for one in reports), max(one.learn.peak_mb for one in reports)
    within = spent <= MOST_CPU_S and peak <= MOST_MB
    verdict = "within" if within else "OVER"
    bound = f"{spent:.0f} of {MOST_CPU_S} CPU-s, {peak:,.0f} of {MOST_MB:,} MB"
    print(f"\nA capability takes at most {bound}: {verdict} the bound")
    raise SystemExit(0 if within else 1)


if __name__ == "__main__":
    main()

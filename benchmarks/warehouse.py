"""What the warehouse costs at scale, beside the best hand-written script for the same tables.

    python -m benchmarks.warehouse --history 10 100 --events-per-day 1000000 --verify

For each history: loads a Taobao-shaped log of so many days at once, then brings in one more day (the same day on
all). Every stage is a process of its own, measured by the kernel: wall time, CPU-seconds, peak resident memory, and
the disk that DuckDB spilled to. ``--verify`` compares the rows of both warehouses after each. Prints Markdown
tables; ``--json`` writes the same figures, with the seconds of every model.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from benchmarks.stage_costs import Cost, measure
from benchmarks.taobao_log import CURRENCY, TIMEZONE, TaobaoLog

_ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Report:
    """One table: ``stages`` by name, the seconds of every model, rows compared (empty without ``--verify``)."""

    title: str
    stages: dict[str, Cost] = field(default_factory=dict)
    models: dict[str, float] = field(default_factory=dict)
    verified: dict[str, int] = field(default_factory=dict)

    @property
    def footfall(self) -> Cost:
        """Ingest and models, start-up left out."""
        stages = self.stages
        ingest = stages["ingest"].without(stages["start-up: Python and ingestion"])
        return ingest + stages["models"].without(stages["start-up: dbt, the models on no rows"])

    @property
    def ratio(self) -> float:
        """CPU-seconds of Footfall's path over the hand-written script's, start-up of both left out."""
        return self.footfall.cpu_s / self.hand.cpu_s

    @property
    def wide(self) -> Cost | None:
        """The hand-written script that writes the same columns, above the start of Python; not of an extra day."""
        cost = self.stages.get("hand-written, same columns")
        return cost.without(self.stages["start-up: hand-written"]) if cost else None

    @property
    def hand(self) -> Cost:
        """The hand-written script above the start of Python."""
        return self.stages["hand-written"].without(self.stages["start-up: hand-written"])

    def markdown(self) -> str:
        """The table, and below it the ratio and the most costly models."""
        lines = [f"### {self.title}", "", "| stage | wall s | CPU-s | peak MB | spill MB | CPU ratio |"]
        lines.append("|---|--:|--:|--:|--:|--:|")
        rows = {
            **self.stages,
            "**Footfall without start-up**": self.footfall,
            "**hand-written without start-up**": self.hand,
        }
        for name, cost in rows.items():
            ratio = f"{cost.cpu_s / self.hand.cpu_s:.2f}" if not name.startswith("start-up") else ""
            figures = f"{cost.wall_s:.1f} | {cost.cpu_s:.1f} | {cost.peak_mb:,.0f} | {cost.spill_mb:,.0f}"
            lines.append(f"| {name} | {figures} | {ratio} |")
        costly = sorted(self.models.items(), key=lambda model: -model[1])[:12]
        lines += [
            "",
            "Seconds by model: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in costly if seconds >= 0.05),
        ]
        if self.verified:
            lines += ["", "Same rows: " + ", ".join(f"{table} {rows:,}" for table, rows in self.verified.items())]
        return "\n".join(lines)


class Bench:
    """Stages on the files of a log in a folder of work, each under the same limits of memory and threads."""

    def __init__(self, work: Path, log: TaobaoLog, memory: str, threads: int) -> None:
        self.work, self.log = work, log
        self.environment = {
            "FOOTFALL_DUCKDB_MEMORY": memory,
            "FOOTFALL_DUCKDB_THREADS": str(threads),
            "FOOTFALL_TIMEZONE": TIMEZONE,
            "FOOTFALL_CURRENCY": CURRENCY,
            "FOOTFALL_HISTORY_START": log.start.isoformat(),
            "PYTHONPATH": str(_ROOT),
        }

    def prepare(self) -> None:
        """Parse the dbt project and write the log's files, each in a process of its own, like all that follows: a
        child inherits the peak memory of its parent, so this one has to stay small."""
        self._run(["-c", "from orchestration.dbt_in_process import prepare_manifest; prepare_manifest()"], self.work)
        log = self.log
        arguments = [log.days, log.events_per_day, log.start, log.seed, self.work / "log"]
        cost, _ = self._run(["-m", "benchmarks.taobao_log", *arguments], self.work)
        say(f"log of {log.days} files written in {cost.wall_s:.0f} s")

    def files(self, first: int, last: int) -> list[Path]:
        """Files of the arrival days numbered ``first`` … ``last``."""
        return [self.log.file(self.work / "log", number) for number in range(first, last + 1)]

    def start_ups(self, report: Report) -> None:
        """What each side costs before it does anything, and an empty day through Dagster."""
        home = self.work / "empty"
        day = self.log.start.isoformat()
        report.stages["start-up: Python and ingestion"] = self.footfall("ingest", home)
        report.stages["start-up: hand-written"] = self.hand("start-up", home / "empty.db")
        self.footfall("seed", home)
        report.stages["start-up: dbt, the models on no rows"] = self.footfall("start-up", home)
        report.stages["start-up: `footfall run`, nothing pending"] = self._cli(home, "run")
        report.stages["start-up: `footfall run` of an empty day (Dagster, all models and tests)"] = self._cli(
            home, "run", "--from", day, "--to", day
        )

    def load(self, home: Path, files: list[Path], first: date, last: date, report: Report) -> Report:
        """Ingest files and build every model of their arrival days."""
        report.stages["ingest"] = self.footfall("ingest", home, *files)
        if not (home / "warehouse.duckdb").exists():
            self.footfall("seed", home)
        cost, printed = self._run(["-m", "benchmarks.footfall_path", "models", home, first, last], home)
        report.stages["models"] = cost
        report.models = json.loads(printed.strip().splitlines()[-1])
        return report

    def footfall(self, stage: str, home: Path, *arguments: object) -> Cost:
        """One stage of ``benchmarks.footfall_path``."""
        return self._run(["-m", "benchmarks.footfall_path", stage, home, *arguments], home)[0]

    def hand(self, command: str, database: Path, *arguments: object) -> Cost:
        """One command of ``benchmarks.handwritten_warehouse``."""
        return self._run(["-m", "benchmarks.handwritten_warehouse", command, database, *arguments], database.parent)[0]

    def hand_wide(self, database: Path, *files: Path) -> Cost:
        """``benchmarks.handwritten_same_columns``."""
        return self._run(["-m", "benchmarks.handwritten_same_columns", database, *files], database.parent)[0]

    def compare(self, footfall: Path, hand: Path) -> dict[str, int]:
        """Rows of each table; ``benchmarks.same_tables``."""
        _, printed = self._run(["-m", "benchmarks.same_tables", footfall, hand], hand.parent)
        return dict(json.loads(printed.strip().splitlines()[-1]))

    def _cli(self, home: Path, *arguments: str) -> Cost:
        return self._run(["-c", "from orchestration.cli import main; main()", *arguments], home)[0]

    def _run(self, arguments: Sequence[object], home: Path) -> tuple[Cost, str]:
        home.mkdir(parents=True, exist_ok=True)
        environment = {**self.environment, "FOOTFALL_HOME": str(home)}
        say(" ".join(str(argument) for argument in arguments[1:] if " " not in str(argument))[:120])
        cost, printed = measure(
            [sys.executable, *map(str, arguments)], environment, [home / "tmp", home / "lake" / ".spill"]
        )
        say(f"  {cost.wall_s:.1f} s, {cost.cpu_s:.1f} CPU-s, {cost.peak_mb:,.0f} MB, {cost.spill_mb:,.0f} MB spilled")
        return cost, printed


def run(bench: Bench, histories: list[int], verify: bool) -> list[Report]:
    """Load the days before the log's last one, as many as each of ``histories`` says, and then the last."""
    log, work = bench.log, bench.work
    bench.prepare()
    last, reports = log.days - 1, []
    start_ups = Report("")
    bench.start_ups(start_ups)
    for history in histories:
        home, hand = work / f"footfall-{history}", work / f"hand-{history}" / "warehouse.duckdb"

        def compared(report: Report, home: Path = home, hand: Path = hand) -> None:
            reports.append(report)
            say(report.markdown())
            if verify:
                report.verified = bench.compare(home / "warehouse.duckdb", hand)

        before, extra = bench.files(last - history, last - 1), bench.files(last, last)
        title = f"{history} days of {log.events_per_day:,} events at once"
        report = bench.load(
            home, before, log.day(last - history), log.day(last - 1), Report(title, dict(start_ups.stages))
        )
        report.stages["hand-written"] = bench.hand("full", hand, *before)
        report.stages["hand-written, same columns"] = bench.hand_wide(work / "wide" / "warehouse.duckdb", *before)
        shutil.rmtree(work / "wide")
        compared(report)
        bench.hand("by-day", hand)
        title = f"one more day of {log.events_per_day:,} events on {history} days"
        report = bench.load(home, extra, log.day(last), log.day(last), Report(title, dict(start_ups.stages)))
        report.stages["hand-written"] = bench.hand("extra-day", hand, *extra)
        compared(report)
        for folder in (home, hand.parent):
            shutil.rmtree(folder)
    return reports


def summary(reports: list[Report]) -> str:
    """The ratios that the issue asks for, in words."""
    lines = [f"- {report.title}: {report.ratio:.2f} × the hand-written CPU-seconds" for report in reports]
    for report in reports:
        if report.wide:
            lines.append(
                f"- {report.footfall.cpu_s / report.wide.cpu_s:.2f} × those of the script with the same columns"
            )
    if len(reports) > 2:
        first, last = reports[1].footfall.cpu_s, reports[-1].footfall.cpu_s
        lines.append(f"- the extra day on the longest history costs {last / first:.2f} × that on the shortest")
    return "\n".join(lines)


def say(words: str) -> None:
    """Progress, beside the report on standard output."""
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    """Parse the command line, run, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--history", type=int, nargs="+", default=[10, 100], help="days before the last one")
    parser.add_argument("--events-per-day", type=int, default=1_000_000)
    parser.add_argument("--memory", default="4500MB", help="DuckDB's limit on both sides; the process takes more")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--work", type=Path, help="folder for log and databases (default: temporary, removed)")
    parser.add_argument("--verify", action="store_true", help="compare the rows of both warehouses")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    os.chdir(_ROOT)
    log = TaobaoLog(max(options.history) + 1, options.events_per_day, seed=options.seed)
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as temporary:
        work = (options.work or Path(temporary)).resolve()
        bench = Bench(work, log, options.memory, options.threads)
        reports = run(bench, sorted(options.history), options.verify)
    for report in reports:
        print(report.markdown() + "\n")
    print(summary(reports))
    if options.json:
        figures = [
            {**asdict(report), "footfall": asdict(report.footfall), "hand": asdict(report.hand), "ratio": report.ratio}
            for report in reports
        ]
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""A small Footfall home for tests: land files, run dbt in this process, export every mart as text."""

from __future__ import annotations

import functools
import gzip
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
from dbt.cli.main import dbtRunner

from ingestion.lake import Lake
from ingestion.load import ingest_file
from ingestion.mapping import SourceMapping, load_mapping
from ingestion.shops import Shop

Export = dict[tuple[str, str], list[str]]

PROJECT = Path(__file__).parents[2] / "dbt_project"
PLAIN_EVENTS = Path(__file__).parent / "plain_events.yml"
PARSED = Path(tempfile.gettempdir()) / f"footfall-parsed-{os.getpid()}"
#: Tables that say what a run did rather than what the shop is.
PER_RUN = {"int_orders_placed", "int_orders_touched"}


@functools.cache
def _runner(target: Path) -> dbtRunner:
    """dbt with the project parsed once in this process; the profile is read anew in every call."""
    parsed = dbtRunner().invoke(["parse", "--target-path", str(target), *_folders()])
    assert parsed.success, parsed.exception
    return dbtRunner(manifest=parsed.result)


def _folders() -> list[str]:
    return ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]


class Warehouse:
    """One home folder with a lake and a warehouse."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        self.lake = Lake(home / "lake")

    def land(
        self, files: Iterable[Path], mapping: SourceMapping | Path | str, shop: Shop, supersede: str | None = None
    ) -> None:
        """Ingest files of a shop under one mapping."""
        if not isinstance(mapping, SourceMapping):
            mapping = load_mapping(mapping)
        for file in files:
            ingest_file(self.lake, file, mapping, shop, supersede=supersede)

    def land_events(
        self, shop: Shop, arrival: date, events: Sequence[dict[str, object]], name: str = "log", **options: str
    ) -> Path:
        """Ingest events in the plain form (contract names) that arrived on a day."""
        folder = self.home / "landing" / shop.shop_id
        folder.mkdir(exist_ok=True, parents=True)
        file = folder / f"{name}-{arrival}.jsonl.gz"
        file.write_bytes(gzip.compress("".join(json.dumps(event) + "\n" for event in events).encode(), mtime=0))
        self.land([file], PLAIN_EVENTS, shop, **options)
        return file

    def build(self, first: date | None = None, last: date | None = None, *, full_refresh: bool = False) -> None:
        """Run every model for arrival days first…last (last = first when left out), or for all of history."""
        window = []
        if first is not None:
            end = (last or first) + timedelta(days=1)
            window = ["--event-time-start", first.isoformat(), "--event-time-end", end.isoformat()]
        if not (self.home / "warehouse.duckdb").exists():
            self._invoke("seed")
        self._invoke("run", *window, *(["--full-refresh"] if full_refresh else []))

    def _invoke(self, command: str, *options: str) -> None:
        os.environ["FOOTFALL_HOME"] = str(self.home)
        folders = ["--target-path", str(self.home / "target"), "--log-path", str(self.home / "logs"), *_folders()]
        runner = _runner(PARSED)
        outcome = runner.invoke([command, *options, "--quiet", "--no-write-json", *folders])
        failures = [] if outcome.success else [f"{r.node.name}: {r.message}" for r in outcome.result or [] if r.message]
        assert outcome.success, outcome.exception or failures

    def build_each_day(self, days: Iterable[date]) -> None:
        """One run a day, in the order given."""
        for day in days:
            self.build(day)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Rows of a query on the warehouse."""
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def export(self) -> Export:
        """Every mart and kept intermediate table as ordered CSV lines, by table and shop."""
        lines: Export = {}
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            tables = connection.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_schema in ('marts', 'intermediate') order by all"
            ).fetchall()
            for schema, table in tables:
                if table in PER_RUN:
                    continue
                out = self.home / f"export-{table}.csv"
                connection.execute(f'copy (select * from "{schema}"."{table}" order by all) to \'{out}\' (format csv)')
                header, *rows = out.read_text().splitlines()
                out.unlink()
                assert header.split(",")[0] == "shop_id", f"{table} does not begin with shop_id"
                lines[table, ""] = [header]
                for row in rows:
                    lines.setdefault((table, row.split(",", 1)[0]), []).append(row)
        return lines


def assert_same_export(actual: Export, expected: Export, shop: str | None = None) -> None:
    """Byte equality of two exports (of one shop, when named); the message shows the first rows that differ."""
    for table, owner in sorted(actual.keys() | expected.keys()):
        if shop is not None and owner != shop:
            continue
        got, want = actual.get((table, owner), []), expected.get((table, owner), [])
        if got != want:
            extra, missing = sorted(set(got) - set(want))[:5], sorted(set(want) - set(got))[:5]
            raise AssertionError(
                f"{table} of {owner} differs\n  only in actual: {extra}\n  only in expected: {missing}"
            )

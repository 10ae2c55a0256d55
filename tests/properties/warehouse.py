"""A small Footfall home for tests: land files, run dbt in this process, export every mart as text."""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb

from ingestion.lake import Lake
from ingestion.load import connect, ingest_file
from ingestion.mapping import SourceMapping, load_mapping
from ingestion.shops import Shop
from orchestration.dbt_in_process import prepare_manifest, run_dbt
from orchestration.mart_specs import mart_specs, read_manifest
from publishing import PublishedReader, publish

Export = dict[tuple[str, str], list[str]]

PLAIN_EVENTS = Path(__file__).parent / "plain_events.yml"
_mapping = functools.cache(load_mapping)


class Warehouse:
    """One home folder with a lake and a warehouse; one DuckDB thread is cheapest where a table has few rows."""

    def __init__(self, home: Path, threads: int = 1) -> None:
        self.home = home
        self.threads = threads
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        self.lake = Lake(home / "lake")
        # one connection for all files: tests land hundreds of tiny ones
        self._ingestion = connect(self.lake, threads)

    def land(
        self, files: Iterable[Path], mapping: SourceMapping | Path | str, shop: Shop, supersede: str | None = None
    ) -> None:
        """Ingest files of a shop under one mapping."""
        if not isinstance(mapping, SourceMapping):
            mapping = _mapping(mapping)
        for file in files:
            ingest_file(self.lake, file, mapping, shop, supersede=supersede, connection=self._ingestion)

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

    def build(
        self,
        first: date | None = None,
        last: date | None = None,
        *,
        full_refresh: bool = False,
        select: Sequence[str] = (),
    ) -> None:
        """Run models (all, when none is selected) for arrival days first…last, last being first when left out,
        or for all of history."""
        window = []
        if first is not None:
            end = (last or first) + timedelta(days=1)
            window = ["--event-time-start", first.isoformat(), "--event-time-end", end.isoformat()]
        refresh = ["--full-refresh"] if full_refresh else []
        if (self.home / "warehouse.duckdb").exists():
            self.dbt("run", *window, *refresh, *(["--select", *select] if select else []))
        else:
            # the seeds as well, once, and all of them: what is selected later may need others
            selected = ["--select", *select, "resource_type:seed"] if select else []
            self.dbt("build", "--exclude-resource-type", "test", "unit_test", *window, *refresh, *selected)

    def dbt(self, *arguments: str) -> None:
        """Run a dbt command of which nothing may fail."""
        prepare_manifest()
        environment = {"FOOTFALL_HOME": str(self.home), "FOOTFALL_DUCKDB_THREADS": str(self.threads)}
        outcome = run_dbt(arguments, environment, self.home / "target")
        assert not outcome.failed, [f"{node.unique_id}: {node.message}" for node in outcome.failed]

    def publish(self, *names: str) -> PublishedReader:
        """Publish the marts named, or every one, and return a reader of them."""
        specs = [spec for spec in mart_specs(read_manifest()) if not names or spec.name in names]
        publish(self.home / "warehouse.duckdb", self.home / "published", specs, "test", None)
        return PublishedReader(self.home / "published")

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Rows of a query on the warehouse."""
        with self._open() as connection:
            return connection.execute(query).fetchall()

    def _open(self) -> duckdb.DuckDBPyConnection:
        """The warehouse to read; its views read the lake by paths relative to it."""
        connection = duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True)
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set file_search_path = '{self.home / 'lake'}'")
        return connection

    def export(self) -> Export:
        """Every mart and kept intermediate table as ordered CSV lines, by table and shop."""
        lines: Export = {}
        # these say what a run did rather than what the shop is
        models = (node for node in read_manifest()["nodes"].values() if node["resource_type"] == "model")
        per_run = {node["name"] for node in models if node["config"]["meta"].get("refresh_class") == "per run"}
        with self._open() as connection:
            tables = connection.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_schema in ('marts', 'intermediate', 'features') order by all"
            ).fetchall()
            for schema, table in tables:
                if table in per_run:
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

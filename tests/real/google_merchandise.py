"""The Google Merchandise Store as a warehouse, and what its own session table says, to compare with."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb

from ingestion.shops import Shop
from tests.properties.warehouse import Warehouse
from tests.real.public_data import SOURCES, public_file

SHOP = Shop("merch", "America/Los_Angeles", "USD")
FILES = {"ga_merch_events": "ga_merch/events.parquet", "ga_merch_page_hits": "ga_merch/page_hits.parquet"}
FIRST, LAST = date(2016, 8, 1), date(2016, 9, 30)


def days_between(first: date, last: date) -> list[date]:
    """Every day from first to last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def split_by_day(out: Path, first: date, last: date) -> dict[date, list[tuple[str, Path]]]:
    """Cut the two files into one per shop's day: day -> (mapping name, file)."""
    files: dict[date, list[tuple[str, Path]]] = {}
    with duckdb.connect() as connection:
        for mapping, name in FILES.items():
            connection.execute(
                "create or replace temp table hits as select *, "
                "timezone('America/Los_Angeles', timezone('UTC', event_time))::date as local_day from read_parquet(?)",
                [str(public_file(name))],
            )
            for day in days_between(first, last):
                path = out / f"{mapping}-{day}.parquet"
                own = f"select * exclude (local_day) from hits where local_day = '{day}'"
                connection.execute(f"copy ({own}) to '{path}' (format parquet)")
                files.setdefault(day, []).append((mapping, path))
    return files


def land(warehouse: Warehouse, files: list[tuple[str, Path]]) -> None:
    """Ingest files under their mappings."""
    for mapping, path in files:
        warehouse.land([path], SOURCES / f"{mapping}.yml", SHOP)


def open_beside(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    """The warehouse, read-only, with the source's own tables beside it as ``source_sessions`` and ``source_hits``."""
    connection = duckdb.connect()
    # views of the warehouse read the lake by paths relative to it
    connection.execute(f"set file_search_path = '{warehouse.home / 'lake'}'")
    connection.execute(f"attach '{warehouse.home / 'warehouse.duckdb'}' as warehouse (read_only)")
    for view, name in (("source_sessions", "ga_merch/sessions.parquet"), ("source_hits", "ga_merch/events.parquet")):
        connection.execute(f"create view {view} as from '{public_file(name)}'")
    return connection

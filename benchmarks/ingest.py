"""What loading a narrow log costs, beside a hand-written script: ``python benchmarks/ingest.py [million rows] [days]``.

Repeat with ``python benchmarks/ingest.py 10 30`` (default: 2 million rows over 10 days; ``--memory 3GB`` sets
DuckDB's memory limit, default 4GB). The log is generated each time from one seed: user, item, category, behaviour
and epoch seconds without header, users and items skewed like Zipf's law, as the public Taobao log is shaped.

Three paths read the same file, each in a process of its own, one after the other:

* ``footfall``: ``ingest_file`` through the shipped Taobao mapping: judged, ids, ledger, quarantine, a file a day;
* ``by hand, same columns``: one ``read_csv``, one ``COPY … PARTITION_BY`` of the same columns in the same order,
  trusting every row: what the guarantees cost on top is the difference;
* ``by hand, bare``: the five parsed columns only, unsorted, without ids: the least that reading and writing take.

Prints processor seconds per million rows (user and system, without imports), wall seconds, peak memory of the
process and megabytes of Parquet. On a busy machine compare the ratios, not the seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from ingestion.lake import Lake
from ingestion.load import connect, ingest_file
from ingestion.mapping import load_mapping
from ingestion.shops import Shop

THREADS = 2
FIELDS = ["user_id", "item_id", "category_id", "behavior_type", "timestamp"]
_PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"


def write_log(path: Path, rows: int, days: int) -> None:
    """A Taobao-shaped log of ``rows`` rows over ``days`` days, the same for the same arguments."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")  # random() is repeatable on one thread only
        connection.execute("SELECT setseed(0.42)").fetchall()
        connection.execute(f"""
            COPY (
                SELECT person, item, (item * 7919) % 9439,
                       CASE WHEN chance < 0.896 THEN 'pv' WHEN chance < 0.951 THEN 'cart'
                            WHEN chance < 0.98 THEN 'fav' ELSE 'buy' END,
                       1511539200 + floor(second * 86400 * {days})::BIGINT
                FROM (SELECT 1000 + floor({max(rows // 100, 100)} * power(random(), 1.6))::BIGINT AS person,
                             floor(exp(random() * ln(4000000)))::BIGINT AS item, random() AS chance,
                             random() AS second
                      FROM range({rows}))
            ) TO '{path}' (FORMAT csv, HEADER false)""")


def footfall(log: Path, folder: Path, memory: str) -> None:
    """The project's own path."""
    shipped = load_mapping("taobao_userbehavior")
    form = shipped.format.model_copy(update={"header": False, "columns": tuple(FIELDS)})
    lake = Lake(folder)
    with connect(lake, threads=THREADS) as connection:
        connection.execute(f"SET memory_limit = '{memory}'")
        mapping = shipped.model_copy(update={"format": form})
        entry = ingest_file(lake, log, mapping, Shop("taobao", "Asia/Shanghai", "CNY"), connection=connection).entry
    if entry.rows_accepted != entry.rows_read:
        raise SystemExit(f"of {entry.rows_read} generated rows {entry.rows_accepted} were accepted, expected all")


def _by_hand(log: Path, folder: Path, memory: str, fields: str, order: str) -> None:
    columns = ", ".join(f"'{name}': '{'BIGINT' if name == 'timestamp' else 'VARCHAR'}'" for name in FIELDS)
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {THREADS}")
        connection.execute(f"SET memory_limit = '{memory}'")
        connection.execute(f"SET temp_directory = '{folder}.spill'")
        connection.execute(f"""
            COPY (
                SELECT {fields}
                FROM (SELECT *, make_timestamp("timestamp" * 1000000) AS event_ts,
                             (make_timestamp("timestamp" * 1000000) + INTERVAL 8 HOURS)::DATE AS arrival_date,
                             CASE behavior_type WHEN 'pv' THEN 'view_item' WHEN 'fav' THEN 'add_to_wishlist'
                                                WHEN 'cart' THEN 'add_to_cart' ELSE 'purchase' END AS event_name
                      FROM read_csv('{log}', columns = {{{columns}}}, header = false, auto_detect = false))
                {order}
            ) TO '{folder}' ({_PARQUET}, PARTITION_BY (arrival_date))""")


def by_hand(log: Path, folder: Path, memory: str) -> None:
    """The same columns in the same order, from one statement that trusts every row."""
    key = "concat_ws('|', event_name, user_id, item_id, \"timestamp\")"
    fields = f"""user_id AS customer_id, item_id, category_id AS item_category, event_name, event_ts, arrival_date,
        'taobao' AS shop_id, 'taobao_userbehavior' AS source, 1 AS contract_version, 'CNY' AS currency,
        'log.csv' AS source_file, 'load' AS load_id, 0 AS item_index, md5({key}) AS event_id,
        md5(concat_ws('|', event_name, category_id)) AS content_hash,
        CASE WHEN event_name = 'purchase' THEN md5(user_id || "timestamp") END AS order_id"""
    _by_hand(log, folder, memory, fields, "ORDER BY arrival_date, customer_id, event_ts")


def bare(log: Path, folder: Path, memory: str) -> None:
    """The parsed columns and nothing else."""
    _by_hand(log, folder, memory, "user_id, item_id, category_id, event_name, event_ts, arrival_date", "")


PATHS: dict[str, Callable[[Path, Path, str], None]] = {
    "footfall": footfall,
    "by hand, same columns": by_hand,
    "by hand, bare": bare,
}


def measure(name: str, log: Path, folder: Path, memory: str) -> dict[str, float]:
    """Run one path in this process: processor and wall seconds, peak memory and written size in megabytes."""
    wall, processor = time.perf_counter(), time.process_time()
    PATHS[name](log, folder, memory)
    return {
        "cpu": time.process_time() - processor,
        "wall": time.perf_counter() - wall,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "size_mb": sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e6,
    }


def main() -> None:
    """Generate the log, run each path in a child process, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("millions", type=float, nargs="?", default=2)
    parser.add_argument("days", type=int, nargs="?", default=10)
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--child", nargs=3, metavar=("PATH", "LOG", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, log, folder = arguments.child
        print(json.dumps(measure(name, Path(log), Path(folder), arguments.memory)))
        return
    rows = int(arguments.millions * 1_000_000)
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log.csv"
        write_log(log, rows, arguments.days)
        print(f"{rows:,} rows, {log.stat().st_size / 1e6:,.0f} MB of CSV, {arguments.days} days, {THREADS} threads")
        print(f"{'':24}{'CPU-s/M':>9}{'wall s':>9}{'peak MB':>9}{'Parquet MB':>12}")
        for place, name in enumerate(PATHS):
            child = ["--child", name, str(log), str(Path(scratch) / f"out{place}"), "--memory", arguments.memory]
            done = subprocess.run([sys.executable, __file__, *child], capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            found = json.loads(done.stdout)
            print(
                f"{name:24}{found['cpu'] / arguments.millions:9.2f}{found['wall']:9.1f}"
                f"{found['peak_mb']:9,.0f}{found['size_mb']:12,.0f}"
            )


if __name__ == "__main__":
    main()

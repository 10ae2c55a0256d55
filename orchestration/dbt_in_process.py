"""dbt, run inside this process.

Why not the usual subprocess: a killed run would leave a dbt that goes on writing to the warehouse
behind the next run's back, and every invocation would pay for starting Python and parsing the project
again (5 CPU-seconds against 1, measured). dbt's own ``dbtRunner`` takes a parsed manifest, so the
project is parsed once, by ``make`` or by the first command after a model changed.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.durable import crash_point

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PROJECT_FOLDER = Path(__file__).resolve().parent.parent / "dbt_project"
TARGET_FOLDER = PROJECT_FOLDER / "target"
MANIFEST = TARGET_FOLDER / "manifest.json"
_PARSED = TARGET_FOLDER / "partial_parse.msgpack"
#: What a change of makes the manifest stale.
_PARSED_FOLDERS = ("models", "macros", "seeds", "tests", "snapshots")
_PARSED_FILES = ("dbt_project.yml", "profiles.yml")

_SUCCESS = ("success", "pass", "warn")


class DbtFailed(Exception):
    """dbt stopped with an error; the message names the nodes and repeats what dbt said."""


@dataclass(frozen=True)
class NodeResult:
    """What became of one node: ``status`` as dbt words it, ``seconds`` of its execution."""

    unique_id: str
    status: str
    seconds: float
    message: str | None
    failures: int | None

    @property
    def succeeded(self) -> bool:
        """Built, or a test that passed (a warning counts as passed)."""
        return self.status in _SUCCESS


@dataclass(frozen=True)
class DbtOutcome:
    """All node results of one invocation, in order of completion."""

    results: tuple[NodeResult, ...]

    @property
    def failed(self) -> tuple[NodeResult, ...]:
        """The nodes that failed themselves; those skipped because of them are not in it."""
        return tuple(result for result in self.results if result.status in ("error", "fail", "runtime error"))

    def followed_by(self, later: DbtOutcome) -> DbtOutcome:
        """Both, one after the other: of a node that ran twice the later word counts, and the seconds of both."""
        first = {result.unique_id: result for result in self.results}
        second = {
            result.unique_id: replace(result, seconds=result.seconds + first[result.unique_id].seconds)
            if result.unique_id in first
            else result
            for result in later.results
        }
        return DbtOutcome(tuple({**first, **second}.values()))


def run_dbt(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    target: Path,
    on_node: Callable[[str], None] | None = None,
) -> DbtOutcome:
    """Run ``dbt <arguments>`` against the project and return what became of each node.

    ``environment`` is what ``profiles.yml`` and the macros read (``Settings.warehouse_environment``);
    ``target`` takes compiled SQL and run results and must not be shared by runs at the same time;
    ``on_node`` is told, in words, of every node that ends. A failed node is a result, not an
    exception. Raises ``DbtFailed`` when dbt could not start (wrong selection, broken project), and
    ``FileNotFoundError`` where the project was never parsed.
    """
    from dbt.cli.main import dbtRunner

    def hear(event: Any) -> None:
        if event.info.name in ("LogModelResult", "LogTestResult", "LogSeedResult"):
            crash_point("dbt:node")
            if on_node is not None:
                on_node(event.info.msg)

    with _environment(environment), _warehouse_closed():
        runner = dbtRunner(manifest=_parsed_manifest(), callbacks=[hear])
        # What dbt would write of the run is a second of work, and what is needed of it is returned.
        answer = runner.invoke([*arguments, "--no-write-json", *_common_arguments(target)])
    if answer.exception is not None:
        raise DbtFailed(f"dbt {' '.join(arguments)}: {answer.exception}") from answer.exception
    results = getattr(answer.result, "results", ())
    return DbtOutcome(
        tuple(
            NodeResult(
                unique_id=result.node.unique_id,
                status=str(result.status),
                seconds=float(result.execution_time),
                message=result.message,
                failures=result.failures,
            )
            for result in results
        )
    )


def prepare_manifest(force: bool = False) -> Path:
    """Parse the project where its manifest is missing or older than a model; returns the manifest's path.

    Safe to call from several processes at once. Raises ``DbtFailed`` with dbt's words when the project
    does not parse.
    """
    TARGET_FOLDER.mkdir(exist_ok=True)
    with (TARGET_FOLDER / ".prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if force or not manifest_is_current():
            from dbt.cli.main import dbtRunner

            parse_home = TARGET_FOLDER / "parse_home"
            with _environment({"FOOTFALL_HOME": str(parse_home)}):
                answer = dbtRunner().invoke(["parse", *_common_arguments(TARGET_FOLDER)])
            if not answer.success:
                raise DbtFailed(f"{PROJECT_FOLDER} does not parse: {answer.exception}")
            # dbt leaves an unchanged manifest's time alone; the comparison above goes by time.
            os.utime(MANIFEST)
            os.utime(_PARSED)
    return MANIFEST


def manifest_is_current() -> bool:
    """Whether the parsed project is there and no model, macro, seed, test or setting is newer."""
    if not MANIFEST.is_file() or not _PARSED.is_file():
        return False
    parsed_at = min(MANIFEST.stat().st_mtime_ns, _PARSED.stat().st_mtime_ns)
    return all(path.stat().st_mtime_ns <= parsed_at for path in _project_files())


def build_docs(environment: Mapping[str, str], target: Path) -> Path:
    """Write dbt's documentation as one page that works from a file; returns its path.

    Raises ``DbtFailed`` where dbt cannot (the warehouse does not exist yet, or is being written).
    """
    from dbt.cli.main import dbtRunner

    with _environment(environment), _warehouse_closed():
        answer = dbtRunner().invoke(["docs", "generate", "--static", *_common_arguments(target)])
    if not answer.success:
        raise DbtFailed(f"dbt docs generate: {answer.exception or 'failed, see its output above'}")
    return target / "static_index.html"


def _project_files() -> Iterator[Path]:
    for name in _PARSED_FILES:
        yield PROJECT_FOLDER / name
    for name in _PARSED_FOLDERS:
        folder = PROJECT_FOLDER / name
        if folder.is_dir():
            # A deleted or renamed model shows in its folder's time.
            yield folder
            yield from folder.rglob("*")


def _parsed_manifest() -> Manifest:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    if not _PARSED.is_file():
        raise FileNotFoundError(f"{_PARSED} does not exist: expected the parsed project, run `make prepare`")
    # Read anew for every invocation: dbt writes compiled SQL into the manifest it is given.
    manifest = Manifest.from_msgpack(_PARSED.read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    return manifest


def _common_arguments(target: Path) -> list[str]:
    return [
        "--project-dir", str(PROJECT_FOLDER),
        "--profiles-dir", str(PROJECT_FOLDER),
        "--target-path", str(target),
        "--log-path", str(target / "logs"),
        "--log-level", "none",
        "--log-level-file", "none",
        "--no-use-colors",
        "--no-print",
    ]  # fmt: skip


@contextmanager
def _warehouse_closed() -> Iterator[None]:
    """Close the warehouse on the way out: the adapter keeps it open in a class, and the next writer needs the file."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    try:
        yield
    finally:
        if DuckDBConnectionManager._ENV is not None:
            DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Give dbt its variables, and take back what it does to the process: it puts a handler on the root logger."""
    before = {key: os.environ.get(key) for key in values}
    handlers = logging.root.handlers[:]
    os.environ.update(values)
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value

"""Dagster's own folder: its configuration copied into place, and what dead runs left behind cleaned up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.durable import make_folder, write_bytes_durably
from orchestration.settings import Settings, use_home

if TYPE_CHECKING:
    from dagster import DagsterInstance

CONFIGURATION = Path(__file__).resolve().parent.parent / "dagster.yaml"
#: Tag of runs that `footfall` executes in its own process: "<pid>:<start time of that process>".
PROCESS_TAG = "footfall/process"


def prepare_dagster_home(settings: Settings) -> None:
    """Create the home folder with ``dagster.yaml`` and point this process and its children at it."""
    for folder in (settings.dagster_home, settings.landing):
        make_folder(folder)
    content = CONFIGURATION.read_bytes()
    target = settings.dagster_home / "dagster.yaml"
    if not target.is_file() or target.read_bytes() != content:
        write_bytes_durably(target, content)
    use_home(settings)


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """The persistent instance of ``settings.home``, after clearing up behind runs whose process is gone."""
    import dagster as dg

    prepare_dagster_home(settings)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        clear_dead_runs(instance)
        _start_daemon_here(instance)
        yield instance


def clear_dead_runs(instance: DagsterInstance) -> list[str]:
    """Fail runs of ``footfall`` processes that were killed, and free the pool slots of all ended runs.

    Returns the ids of the runs that were failed. Without this, a slot taken by a killed run would keep
    every later run waiting for the warehouse.
    """
    import dagster as dg

    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])):
        process = run.tags.get(PROCESS_TAG)
        if process is not None and not is_alive(process):
            instance.report_run_failed(run, "Its process is gone: it was killed, or the machine restarted.")
            dead.append(run.run_id)
    log = instance.event_log_storage
    if log.supports_global_concurrency_limits:
        for pool in log.get_concurrency_keys():
            for slot in log.get_concurrency_info(pool).claimed_slots:
                holder = instance.get_run_by_id(slot.run_id)
                if holder is None or holder.is_finished:
                    log.free_concurrency_slots_for_run(slot.run_id)
    return dead


def _start_daemon_here(instance: DagsterInstance) -> None:
    """Tell a daemon that has never run to look at runs from now on; else it warns that it does just that."""
    import dagster as dg

    cursors = instance.daemon_cursor_storage
    keys = {
        f"EVENT_LOG_CONSUMER_CURSOR-{kind.value}"
        for kind in (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS)
    }
    missing = keys - set(cursors.get_cursor_values(keys))
    if missing:
        newest = str(instance.event_log_storage.get_maximum_record_id() or 0)
        cursors.set_cursor_values(dict.fromkeys(missing, newest))


def this_process() -> str:
    """Value of ``PROCESS_TAG`` for the running process."""
    return f"{os.getpid()}:{_started(os.getpid())}"


def is_alive(process: str) -> bool:
    """Whether the process that ``this_process`` named still runs (and its id is not another's by now)."""
    pid, _, started = process.partition(":")
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return _started(int(pid)) in (started, "")


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot; empty where the system has no /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    # Field 22; the second field, the command, may hold spaces and ends with the last bracket.
    return text.rpartition(")")[2].split()[19]

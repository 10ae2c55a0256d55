"""Alerts: raised once, kept while the trouble lasts, cleared once. One JSON object per line, for any tool."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.health import Trouble


@dataclass(frozen=True)
class Alert:
    """One line of the alert log: ``event`` is ``raised`` or ``cleared``."""

    at: str
    event: str
    name: str
    words: str


def read_alerts(path: Path) -> list[Alert]:
    """Every line of the log, oldest first; a last line that a crash cut short is left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    alerts = []
    for line in lines:
        try:
            alerts.append(Alert(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return alerts


def open_alerts(path: Path) -> list[Alert]:
    """The alerts that were raised and not cleared since, oldest first."""
    standing: dict[str, Alert] = {}
    for alert in read_alerts(path):
        if alert.event == "raised":
            standing.setdefault(alert.name, alert)
        else:
            standing.pop(alert.name, None)
    return list(standing.values())


def update_alerts(path: Path, troubles: Sequence[Trouble], now: datetime) -> list[Alert]:
    """Bring the log in line with ``troubles`` as they are at ``now``; returns the lines that were added.

    A trouble that is already standing adds nothing, even when its numbers have changed. Safe when
    called by two processes at once.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        standing = {alert.name: alert for alert in open_alerts(path)}
        current = {trouble.name: trouble for trouble in troubles}
        at = now.astimezone(UTC).isoformat(timespec="seconds")
        added = [Alert(at, "raised", name, trouble.words) for name, trouble in current.items() if name not in standing]
        added += [
            Alert(at, "cleared", name, f"Well again. It was: {alert.words}")
            for name, alert in standing.items()
            if name not in current
        ]
        for alert in added:
            # A leading line end closes a line that a crash cut short.
            broken = "\n" if _ends_mid_line(path) else ""
            log.write(broken + json.dumps(alert.__dict__, ensure_ascii=False) + "\n")
            log.flush()
        os.fsync(log.fileno())
    return added


def _ends_mid_line(path: Path) -> bool:
    with path.open("rb") as log:
        if log.seek(0, os.SEEK_END) == 0:
            return False
        log.seek(-1, os.SEEK_END)
        return log.read(1) != b"\n"

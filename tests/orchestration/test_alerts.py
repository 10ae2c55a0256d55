from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestration.alerts import open_alerts, read_alerts, update_alerts
from orchestration.health import Trouble

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
OLD = Trouble("old_data:main", "Newest event is 3 days old.")
DAYS = Trouble("pending_days", "2 days wait.")


def test_an_alert_is_raised_once_and_cleared_once(tmp_path: Path) -> None:
    log = tmp_path / "alerts.jsonl"
    assert [alert.event for alert in update_alerts(log, [OLD], NOON)] == ["raised"]
    older = Trouble(OLD.name, "Newest event is 4 days old.")
    assert update_alerts(log, [older], NOON + timedelta(hours=1)) == []
    assert [alert.name for alert in open_alerts(log)] == [OLD.name]
    cleared = update_alerts(log, [], NOON + timedelta(hours=2))
    assert [(alert.event, alert.name) for alert in cleared] == [("cleared", OLD.name)]
    assert OLD.words in cleared[0].words
    assert update_alerts(log, [], NOON + timedelta(hours=3)) == []
    assert open_alerts(log) == []
    assert len(read_alerts(log)) == 2


def test_a_trouble_that_comes_back_is_raised_again(tmp_path: Path) -> None:
    log = tmp_path / "alerts.jsonl"
    for troubles in ([OLD], [], [OLD]):
        update_alerts(log, troubles, NOON)
    assert [alert.event for alert in read_alerts(log)] == ["raised", "cleared", "raised"]


def test_troubles_are_told_apart(tmp_path: Path) -> None:
    log = tmp_path / "alerts.jsonl"
    update_alerts(log, [OLD, DAYS], NOON)
    added = update_alerts(log, [DAYS], NOON)
    assert [(alert.event, alert.name) for alert in added] == [("cleared", OLD.name)]
    assert [alert.name for alert in open_alerts(log)] == [DAYS.name]


def test_a_line_cut_short_by_a_crash_costs_only_itself(tmp_path: Path) -> None:
    log = tmp_path / "alerts.jsonl"
    update_alerts(log, [OLD], NOON)
    with log.open("a") as file:
        file.write('{"at": "2025-01-01T12:')
    update_alerts(log, [OLD, DAYS], NOON)
    assert [alert.name for alert in open_alerts(log)] == [OLD.name, DAYS.name]
    assert json.loads(log.read_text().splitlines()[-1])["name"] == DAYS.name

"""The planted truth agrees with what the written files say, recounted in slow plain Python."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from ingestion.simulator import events as ev
from ingestion.simulator.truth import find_sessions
from tests.simulator.accepted import accepted_events
from tests.simulator.written_shop import Written

_WORDS = dict(ev.KINDS)


def test_events_by_name(small: Written) -> None:
    counted = Counter(_WORDS[event["type"]] for event in accepted_events(small))
    assert counted == {name: n for name, n in small.summary["events_by_name"].items() if n}
    assert set(counted) == {name for _, name in ev.KINDS}, "every kind of event occurs"


def test_sessions_recounted_one_event_at_a_time(small: Written) -> None:
    by_device: dict[str, list[dict[str, Any]]] = {}
    for event in accepted_events(small):
        if "visitor" in event:
            by_device.setdefault(event["visitor"], []).append(event)
    slow: list[tuple[str, datetime, datetime, int, int, int]] = []
    for device in sorted(by_device):
        run: list[dict[str, Any]] = []
        runs = [run]
        for event in sorted(by_device[device], key=lambda one: one["when"]):
            if run and event["when"] - run[-1]["when"] > timedelta(minutes=30):
                run = []
                runs.append(run)
            run.append(event)
        for run in runs:
            start = run[0]["when"]
            members = [event for event in run if event["when"] - start <= timedelta(hours=24)]
            pages = sum(event["type"] == "page" for event in members)
            slow.append((device, start, members[-1]["when"], len(members), pages, len(run) - len(members)))
    truth = small.truth("sessions")
    numbers = [truth[name].tolist() for name in ("events", "page_views", "over_cap_events")]
    times = [truth[name].dt.tz_localize(UTC).tolist() for name in ("session_start", "session_end")]
    fast = list(zip(truth["device_id"].tolist(), *times, *numbers, strict=True))
    assert fast == slow
    assert small.summary["sessions"] == len(slow)
    assert truth["over_cap_events"].sum() > 0, "the uptime monitor runs into the 24-hour cap"


def test_session_rule_at_its_edges() -> None:
    minute, day = 60_000_000, 86_400_000_000

    def sessions(*ts: int) -> list[tuple[int, int, int]]:
        found = find_sessions(np.zeros(len(ts), dtype=np.int64), np.array(ts), np.zeros(len(ts), dtype=np.int64))
        columns = (found[name].tolist() for name in ("session_start", "events", "over_cap_events"))
        return list(zip(*columns, strict=True))

    assert sessions(0, 30 * minute) == [(0, 2, 0)]
    assert sessions(0, 30 * minute + 1) == [(0, 1, 0), (30 * minute + 1, 1, 0)]
    long_run = range(0, day + 40 * minute, 20 * minute)
    assert sessions(*long_run) == [(0, 73, 1)]
    assert sessions() == []


def test_lines_by_fate_and_arrival_day(small: Written) -> None:
    lines = Counter(day.isoformat() for day, _ in small.lines())
    deliveries = small.truth("deliveries")
    assert deliveries.groupby("arrival_date")["lines"].sum().to_dict() == lines
    assert deliveries.groupby("fate")["lines"].sum().to_dict() == {
        fate: n for fate, n in small.summary["lines_by_fate"].items() if n
    }
    assert sum(lines.values()) == small.summary["lines_written"]
    assert len(lines) == small.config.days
    clean = small.summary["lines_by_fate"]["clean"]
    assert len(accepted_events(small)) == clean


def test_visitors_name_everybody_who_came(small: Written) -> None:
    visitors = small.truth("visitors").set_index("device_id")
    seen = {event["visitor"] for _, event in small.events() if "visitor" in event}
    assert seen <= set(visitors.index)
    assert len(seen) > 0.97 * len(visitors)
    own = visitors[~visitors["is_bot"] & ~visitors["is_shared"]]
    assert (own["segment"] != "").all()
    counted = Counter(event["visitor"] for event in accepted_events(small) if "visitor" in event)
    assert visitors.loc[visitors["events"] > 0, "events"].to_dict() == counted
    # A log-in shows the customer id that the truth has for the device's person.
    for _, event in small.events():
        if event.get("visitor") in own.index and "user" in event:
            assert visitors.at[event["visitor"], "customer_id"] == event["user"]

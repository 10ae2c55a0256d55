"""The truth about what led to orders, recounted from the log lines in slow plain Python."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ingestion.simulator.places import SERVER_AGENT
from tests.simulator.accepted import accepted_events
from tests.simulator.written_shop import Written, write

SOURCE = ("channel", "utm_source", "utm_medium", "utm_campaign")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write(
        tmp_path_factory.mktemp("attribution"), visitors=2000, days=45, seed=31, server_side_share=0.4,
        late_share=0.1, very_late_share=0.05, shared_device_share=0.03,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(shop: Written) -> dict[tuple[str, Any], list[dict[str, Any]]]:
    """Accepted events of each true session of people, by device and start."""
    starts = set(_keys(shop.truth("sessions")))
    by_device: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in sorted(accepted_events(shop), key=lambda one: one["when"]):
        if "visitor" in event:
            by_device[event["visitor"]].append(event)
    found: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    for device, events in by_device.items():
        key = None
        for event in events:
            here = (device, event["when"])
            if here in starts:
                key = here
                found[key] = []
            assert key is not None
            if event["when"] - key[1] <= timedelta(hours=24):
                found[key].append(event)
    return found


def _keys(table: pd.DataFrame) -> list[tuple[str, Any]]:
    return list(zip(table["device_id"], table["session_start"].dt.tz_localize(UTC), strict=True))


def test_sessions_know_their_source_and_customer(
    shop: Written, runs: dict[tuple[str, Any], list[dict[str, Any]]]
) -> None:
    sessions = shop.truth("sessions")
    served_first = 0
    for key, row in zip(_keys(sessions), sessions.itertuples(), strict=True):
        browsed = [event for event in runs[key] if event["ua"] != SERVER_AGENT or "url" in event]
        served_first += browsed[:1] != runs[key][:1]
        utm = browsed[0].get("utm", {}) if browsed else {}
        said = [
            browsed[0]["channel"] if browsed else "",
            *(utm.get(name, "") for name in ("source", "medium", "campaign")),
        ]
        assert [getattr(row, name) for name in SOURCE] == said
        assert row.customer_id == next((event["user"] for event in reversed(runs[key]) if "user" in event), "")
    assert (sessions["utm_campaign"] != "").any()
    assert (sessions["visits"] > 1).any(), "some visits meet in one session"


def test_touches_recounted_one_order_at_a_time(
    shop: Written, runs: dict[tuple[str, Any], list[dict[str, Any]]]
) -> None:
    sessions, orders = shop.truth("sessions"), shop.truth("orders")
    users: dict[str, set[str]] = defaultdict(set)
    for (device, _), events in runs.items():
        users[device] |= {event["user"] for event in events if "user" in event}
    names = shop.truth("people").set_index("person")["customer_id"]
    visitors = shop.truth("visitors")
    shared = set(visitors.loc[visitors["is_shared"], "device_id"])
    by_person: dict[int, list[Any]] = defaultdict(list)
    for row in sessions.sort_values("session_start").itertuples():
        by_person[int(str(row.person))].append(row)
    slow: list[tuple[object, ...]] = []
    for order in orders.sort_values("order_id").itertuples():
        name = names[order.person]
        bought_as = order.customer_id == name or (order.device_id not in shared and name in users[order.device_id])
        touches = [
            one
            for one in by_person[order.person]
            if one.session_start <= order.ordered_at and order.ordered_at - one.session_start <= timedelta(days=30)
        ]
        for position, one in enumerate(touches, start=1):
            device = one.device_id
            own = device == order.device_id and order.ordered_at <= one.session_end + timedelta(minutes=30)
            if device in shared:
                linked = bought_as and one.customer_id == name
            else:
                linked = device == order.device_id or (bought_as and name in users[device])
            said = [getattr(one, field) or None for field in SOURCE]
            slow.append((order.order_id, position, len(touches), device, one.session_start, *said, own, own or linked))
    truth = shop.truth("attribution")
    columns = ["order_id", "position", "touches", "device_id", "session_start", *SOURCE, "is_own_session", "is_linked"]
    plain = truth[columns].astype(object).where(truth[columns].notna(), None)
    assert list(plain.itertuples(index=False, name=None)) == slow
    assert len(slow) > 500
    assert 0 < truth["device_is_shared"].sum() < len(truth)
    assert 0.7 < truth["is_linked"].mean() < 1
    assert 0.8 < truth.groupby("order_id")["is_own_session"].sum().mean() <= 1
    assert truth.groupby("order_id")["device_id"].nunique().max() >= 2


def test_a_short_history_has_touches_too(tmp_path: Path) -> None:
    # Without shared devices: people who meet on one have a session together, which is the first one's.
    shop = write(tmp_path, visitors=1500, days=2, dirty_share=0, late_share=0, very_late_share=0, shared_device_share=0)
    truth, orders = shop.truth("attribution"), shop.truth("orders")
    assert set(truth["order_id"]) == set(orders["order_id"])
    own = truth[truth["is_own_session"]]
    assert set(own["order_id"]) == set(orders["order_id"]) and own["is_linked"].all()

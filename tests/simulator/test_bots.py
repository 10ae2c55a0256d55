"""Every kind of bot does what its name says, and behaviour alone tells all of them from people."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from ingestion.simulator.devices import BOT_KINDS
from ingestion.simulator.places import SERVER_AGENT, SWARM_AGENT
from tests.simulator.accepted import accepted_events
from tests.simulator.written_shop import Written, write

_NAMED = ("bot", "spider", "Robot", "python")
Events = list[dict[str, Any]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write(tmp_path_factory.mktemp("bots"), visitors=2500, days=40, seed=21, server_side_share=0.3)


@pytest.fixture(scope="module")
def by_device(shop: Written) -> dict[str, Events]:
    """Accepted events of every device in order of time."""
    found: dict[str, Events] = defaultdict(list)
    for event in sorted(accepted_events(shop), key=lambda one: one["when"]):
        if "visitor" in event:
            found[event["visitor"]].append(event)
    return dict(found)


@pytest.fixture(scope="module")
def kinds(shop: Written, by_device: dict[str, Events]) -> dict[str, list[Events]]:
    """Each kind's devices ('' for people), as lists of events."""
    visitors = shop.truth("visitors")
    kind = dict(zip(visitors["device_id"], visitors["bot_kind"], strict=True))
    found: dict[str, list[Events]] = defaultdict(list)
    for device, events in by_device.items():
        found[kind[device]].append(events)
    return dict(found)


def _hours_of_busiest_day(events: Events) -> int:
    """Distinct hours with events on the day that has most of them."""
    hours: dict[str, set[str]] = defaultdict(set)
    for event in events:
        hours[event["time"][:10]].add(event["time"][11:13])
    return max(len(some) for some in hours.values())


def _fastest(events: Events) -> float:
    """Seconds that the quickest run of 30 page and product requests took."""
    times = [event["when"].timestamp() for event in events if event["type"] in ("page", "product")]
    return min((times[n + 29] - times[n] for n in range(len(times) - 29)), default=float("inf"))


def test_every_kind_comes_and_people_are_most(kinds: dict[str, list[Events]]) -> None:
    assert set(kinds) == {"", *BOT_KINDS}
    cookies = sum(len(kinds[kind]) for kind in BOT_KINDS if kind != "swarm")
    assert cookies < 0.01 * len(kinds[""])


def test_user_agents(kinds: dict[str, list[Events]]) -> None:
    for kind, devices in kinds.items():
        for events in devices:
            browsed = {event["ua"] for event in events if "url" in event}
            assert any(word in agent for agent in browsed for word in _NAMED) == (kind in ("crawler", "monitor"))
    swarm = {event["ua"] for events in kinds["swarm"] for event in events}
    assert swarm == {SWARM_AGENT}
    assert not any(event["ua"] == SWARM_AGENT for events in kinds[""] for event in events)


def test_scrapers_are_fast_and_people_are_not(kinds: dict[str, list[Events]]) -> None:
    assert all(_fastest(events) < 40 for events in kinds["scraper"])
    assert sum(_fastest(events) < 40 for events in kinds[""]) < 0.01 * len(kinds[""])


def test_monitor_runs_into_the_session_cap(shop: Written, kinds: dict[str, list[Events]]) -> None:
    [events] = kinds["monitor"]
    assert {event["url"].split("/", 3)[3] for event in events} == {""}
    sessions = shop.truth("sessions")
    mine = sessions[sessions["device_id"] == events[0]["visitor"]]
    assert mine["over_cap_events"].sum() > 0
    assert _hours_of_busiest_day(events) >= 20


def test_slow_scrapers_work_round_the_clock_in_short_sessions(shop: Written, kinds: dict[str, list[Events]]) -> None:
    sessions = shop.truth("sessions")
    for events in kinds["slow_scraper"]:
        assert _hours_of_busiest_day(events) >= 20
        mine = sessions[sessions["device_id"] == events[0]["visitor"]]
        assert len(mine) > 50
        assert (mine["session_end"] - mine["session_start"]).dt.total_seconds().max() < 600
        assert _fastest(events) > 120
    assert max(_hours_of_busiest_day(events) for events in kinds[""]) < 12


def test_swarms_are_hundreds_of_single_page_views_on_some_days(kinds: dict[str, list[Events]]) -> None:
    assert all([event["type"] for event in events] == ["page"] for events in kinds["swarm"])
    by_day = Counter(events[0]["time"][:10] for events in kinds["swarm"])
    assert len(by_day) == 2
    assert all(100 < hits < 400 for hits in by_day.values())


def test_a_plain_detector_finds_the_bots_and_spares_people(by_device: dict[str, Events], shop: Written) -> None:
    single = Counter(
        (events[0]["time"][:10], events[0]["ua"])
        for events in by_device.values()
        if len(events) == 1
    )  # fmt: skip
    flagged = {
        device
        for device, events in by_device.items()
        if any(word in event["ua"] for event in events if "url" in event for word in _NAMED)
        or _fastest(events) < 40
        or _hours_of_busiest_day(events) >= 20
        or (len(events) == 1 and single[events[0]["time"][:10], events[0]["ua"]] > 80)
    }
    visitors = shop.truth("visitors")
    visitors = visitors[visitors["events"] > 0].set_index("device_id")
    bots = set(visitors.index[visitors["is_bot"]])
    assert len(flagged & bots) >= 0.95 * len(bots)
    assert len(flagged - bots) < 0.01 * (len(visitors) - len(bots))


def test_the_backend_posts_purchases_of_people(shop: Written, kinds: dict[str, list[Events]]) -> None:
    posted = [event for events in kinds[""] for event in events if event["ua"] == SERVER_AGENT]
    truth = shop.truth("orders").set_index("order_id")
    assert len(posted) > 20
    for event in posted:
        assert event["type"] == "order" and not {"url", "ref", "utm", "geo"} & set(event)
    named = {event["order"]["id"] for event in posted if "order" in event}
    assert named <= set(truth.index[truth["server_side"]])
    assert 0.2 < truth["server_side"].mean() < 0.4
    browsers = {event["order"]["id"] for events in kinds[""] for event in events if event["type"] == "order"} - named
    assert not browsers & set(truth.index[truth["server_side"]]), "one purchase event each"


def test_no_bots_when_none_are_wanted(tmp_path: Path) -> None:
    shop = write(tmp_path, visitors=300, days=5, bot_share=0)
    assert not shop.truth("visitors")["is_bot"].any()
    assert not shop.truth("sessions")["is_bot"].any()

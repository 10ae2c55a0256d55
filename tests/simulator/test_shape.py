"""The planted shop looks like a shop: funnel, rhythms, nuisances in their shares, segments that differ."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from ingestion.simulator import SimulatorConfig, simulate
from ingestion.simulator import events as ev
from ingestion.simulator.catalogue import CATEGORIES
from ingestion.simulator.clock import ShopClock
from ingestion.simulator.deliveries import DIRT
from ingestion.simulator.segments import SEGMENTS
from ingestion.simulator.simulate import plant
from tests.simulator.written_shop import Written, write


def test_funnel_narrows(small: Written) -> None:
    steps = ["view_item", "add_to_cart", "view_cart", "begin_checkout", "add_payment_info", "purchase"]
    visits = small.shop.events.groupby("kind")["visit"].nunique()
    numbers = [int(visits[[name for _, name in ev.KINDS].index(step)]) for step in steps]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == len(numbers), numbers
    orders, human = numbers[-1], int((small.shop.visits["person"] >= 0).sum())
    assert 0.02 < orders / human < 0.12


def test_weekly_and_daily_rhythm() -> None:
    shop = plant(SimulatorConfig(visitors=6000, days=56, seed=2))
    visits = shop.visits[shop.visits["person"] >= 0]
    weekday = (shop.clock.start.weekday() + shop.clock.day(visits["start"].to_numpy())) % 7
    by_weekday = np.bincount(weekday, minlength=7)
    assert by_weekday[5:].mean() > 1.1 * by_weekday[:5].mean()
    hour = shop.clock.local(visits["start"].to_numpy()) // 3_600_000_000 % 24
    by_hour = np.bincount(hour, minlength=24)
    assert by_hour[20:23].mean() > 5 * by_hour[2:5].mean()


@pytest.mark.parametrize("kind", DIRT)
def test_every_kind_of_dirt_is_planted(small: Written, kind: str) -> None:
    planted = small.summary["lines_by_fate"][f"dirty_{kind}"]
    expected = small.summary["events_planted"] * small.config.dirty_share / len(DIRT)
    assert 0.6 * expected < planted < 1.4 * expected


def test_dirt_looks_as_it_is_called(small: Written) -> None:
    found = Counter[str]()
    for day, line in small.lines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            found["broken_json"] += 1
            continue
        if "type" not in event:
            found["missing_type"] += 1
        elif event["type"] not in dict(ev.KINDS):
            found["unknown_type"] += 1
        elif event["type"] == "order" and "order" not in event:
            found["order_without_id"] += 1
        elif any(item["qty"] == 10**16 for item in event.get("items", [])):
            found["huge_quantity"] += 1
        else:
            try:
                ahead = (datetime.fromisoformat(event["time"]).date() - day).days
            except ValueError:
                found["bad_time"] += 1
            else:
                found["future_clock"] += ahead > 1
    assert found == {kind: small.summary["lines_by_fate"][f"dirty_{kind}"] for kind in DIRT}


def test_shares_of_late_and_duplicate_deliveries(tmp_path: Path) -> None:
    shop = write(
        tmp_path, visitors=1500, days=40, late_share=0.2, very_late_share=0.1, duplicate_share=0.05, dirty_share=0
    )
    fate = shop.summary["lines_by_fate"]
    twice = fate["duplicate_same_file"] + fate["duplicate_later_file"]
    assert 0.035 < twice / fate["clean"] < 0.06
    assert fate["duplicate_same_file"] > 0 < fate["duplicate_later_file"]
    # Half of a late visit's events are in its tail, and some have not arrived by the end.
    assert 0.02 < (fate["too_late"] + shop.summary["events_not_arrived"]) / shop.summary["events_planted"] < 0.1
    assert sum(fate[f"dirty_{kind}"] for kind in DIRT) == 0
    lags = Counter(
        (day - datetime.fromisoformat(event["time"]).date()).days for day, event in shop.events() if "visitor" in event
    )
    # A backlog is 1 to 3 days late counted from its visit's end; before midnight that can be a fourth.
    assert lags[1] > lags[2] > lags[3] > 10 * lags[4] > 0
    assert sum(n for lag, n in lags.items() if 5 <= lag <= 21) > 0
    assert max(lags) <= 21


def test_half_the_same_file_duplicates_are_the_same_bytes(small: Written) -> None:
    lines = Counter(line for _, line in small.lines())
    assert sum(n == 2 for n in lines.values()) > 0.25 * small.summary["lines_by_fate"]["duplicate_same_file"]
    assert max(lines.values()) == 2


def test_visits_cross_midnight(small: Written) -> None:
    ts = small.shop.events[small.shop.events["visit"] >= 0].groupby("visit")["ts"].agg(["min", "max"])
    assert (small.shop.clock.day(ts["min"].to_numpy()) != small.shop.clock.day(ts["max"].to_numpy())).any()


def test_segments_differ_as_planted() -> None:
    shop = plant(SimulatorConfig(visitors=6000, days=60, seed=5))
    visits = shop.visits[shop.visits["person"] >= 0]
    people = np.bincount(shop.population.people["segment"], minlength=len(SEGMENTS))
    share = dict(zip((s.name for s in SEGMENTS), people / people.sum(), strict=True))
    assert all(abs(share[s.name] - s.share) < 0.03 for s in SEGMENTS)
    names = [s.name for s in SEGMENTS]
    per_person = np.bincount(visits["segment"], minlength=len(SEGMENTS)) / people
    assert per_person[names.index("loyal")] > 2 * per_person[names.index("passer_by")]
    orders = shop.orders.orders
    segment = visits["segment"].to_numpy()[orders["visit"].to_numpy()]
    buys = np.bincount(segment, minlength=len(SEGMENTS)) / np.bincount(visits["segment"], minlength=len(SEGMENTS))
    assert buys[names.index("loyal")] > 3 * buys[names.index("browser")]
    lines = shop.orders.lines
    # Against the middle of the product's category, since some categories are dear to everybody.
    category = shop.catalogue.products["category"].to_numpy()
    typical = np.array([price for _, price, _ in CATEGORIES])[category[lines["product"].to_numpy()]] * 100
    taste = (lines["price"] / typical).groupby(segment[lines["order"].to_numpy()]).median()
    assert taste[names.index("premium")] > 1.3 * taste[names.index("bargain_hunter")]


def test_volume_grows_with_visitors() -> None:
    one = len(plant(SimulatorConfig(visitors=1000, days=20)).events)
    four = len(plant(SimulatorConfig(visitors=4000, days=20)).events)
    assert 3 < four / one < 5


def test_small_corners_and_other_currencies(tmp_path: Path) -> None:
    simulate(SimulatorConfig(visitors=1, days=1, bot_share=0, dirty_share=0), tmp_path / "one")
    yen = write(tmp_path / "yen", visitors=800, days=5, currency="JPY", timezone="Asia/Tokyo")
    assert yen.summary["orders"] > 0
    assert not yen.table("orders")["total"].str.contains(".", regex=False).any()
    dinar = write(tmp_path / "dinar", visitors=800, days=5, currency="KWD", timezone="Asia/Kuwait")
    assert dinar.table("orders")["total"].str.fullmatch(r"\d+\.\d{3}").all()


def test_clock_knows_daylight_saving() -> None:
    config = SimulatorConfig(visitors=1, start=date(2025, 3, 8), days=3, timezone="America/Los_Angeles")
    clock = ShopClock(config.timezone, config.start, config.days)
    lengths = [(clock.midnight(day + 1) - clock.midnight(day)) // 3_600_000_000 for day in range(3)]
    assert lengths == [24, 23, 24]
    noon = np.array([clock.midnight(day) + 12 * 3_600_000_000 for day in range(3)])
    assert clock.day(noon).tolist() == [0, 1, 2]
    assert clock.offset(noon).tolist() == [-8 * 3600, -7 * 3600, -7 * 3600]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("visitors", 0),
        ("days", -1),
        ("timezone", "Mars"),
        ("currency", "yuan"),
        ("late_share", 1.5),
        ("vistors", 5),
    ],
)
def test_bad_configuration_names_its_field(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        SimulatorConfig.model_validate({field: value})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]

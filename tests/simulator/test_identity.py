"""Who uses which device: shared devices, log-outs, late log-ins, and a truth that a recount agrees with."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from ingestion.simulator import SimulatorConfig
from ingestion.simulator import events as ev
from ingestion.simulator.devices import LARGEST_FAMILY
from ingestion.simulator.simulate import PlantedShop, plant
from tests.simulator.accepted import accepted_events
from tests.simulator.written_shop import Written, write

SHARED = 2  # ``number`` of shared devices


def test_identities_recounted_one_event_at_a_time(small: Written) -> None:
    times: dict[tuple[str, str | None], list[datetime]] = defaultdict(list)
    for event in accepted_events(small):
        if "visitor" in event:
            times[event["visitor"], event.get("user")].append(event["when"])
    devices = {device for device, _ in times}
    named = {device for device, user in times if user is not None}
    truth = small.truth("identities")
    assert set(truth["device_id"]) == devices
    pairs = truth[truth["customer_id"].notna()]
    found = dict(zip(zip(pairs["device_id"], pairs["customer_id"], strict=True), pairs.index, strict=True))
    assert set(found) == {pair for pair in times if pair[1] is not None}
    assert set(truth.loc[truth["customer_id"].isna(), "device_id"]) == devices - named
    for pair, row in found.items():
        moments = times[pair]
        assert truth["known_events"][row] == len(moments)
        assert truth["first_login"].dt.tz_localize(UTC)[row] == min(moments)
        assert truth["last_login"].dt.tz_localize(UTC)[row] == max(moments)
    counted = {device: sum(len(n) for (who, _), n in times.items() if who == device) for device in list(devices)[:50]}
    assert truth.groupby("device_id")["device_events"].first()[list(counted)].to_dict() == counted


def test_own_devices_know_their_owner_and_nobody_else(small: Written) -> None:
    truth = small.truth("identities")
    own = truth[~truth["is_shared"] & truth["customer_id"].notna()]
    assert len(own) > 100
    assert (own["customer_id"] == own["owner_customer_id"]).all() and own["is_owner"].all()
    assert own.groupby("customer_id").size().max() == 2, "some people log in on two devices"
    bots = truth[truth["is_bot"]]
    assert bots["person"].isna().all() and bots["customer_id"].isna().all()


def test_groups_share_devices() -> None:
    shop = plant(SimulatorConfig(visitors=4000, days=40, seed=8, shared_device_share=0.02))
    devices, people = shop.population.devices, shop.population.people
    shared = devices[devices["number"] == SHARED]
    sizes = pd.Series(shop.population.shared_of).value_counts().drop(-1)
    assert set(sizes.index) == set(shared.index)
    assert set(sizes) == {2, 3, 4, 5, 6}
    assert ((shared["person"] >= 0) == (sizes[shared.index] <= LARGEST_FAMILY)).all()
    owners = shared[shared["person"] >= 0]
    assert (shop.population.shared_of[owners["person"]] == owners.index).all(), "the owner is one of the users"
    assert people["registered_before"][shop.population.shared_of >= 0].all()
    device = shop.visits["device"].to_numpy()[shop.events["visit"].to_numpy()]
    known = shop.events.assign(device=device)[shop.events["customer"] >= 0]
    logged_in = known[known["device"].isin(shared.index)].groupby("device")["customer"].nunique()
    assert (logged_in >= 2).mean() > 0.8
    assert (logged_in <= sizes[logged_in.index]).all()


def _first_known(shop: PlantedShop) -> pd.DataFrame:
    """Visits of people in order of device and start: device, log_out (its last event is anonymous again),
    first_kind (of the first event that names the customer, -1 when none does)."""
    events = shop.events[(shop.events["visit"] >= 0) & (shop.events["payload"] < 0)].sort_values(["visit", "ts"])
    events = events[shop.visits["person"].to_numpy()[events["visit"].to_numpy()] >= 0]
    known = events[events["customer"] >= 0]
    first = known.drop_duplicates("visit").set_index("visit")["kind"]
    last = events.drop_duplicates("visit", keep="last").set_index("visit")["customer"]
    visits = shop.visits.loc[last.index, ["device", "start"]].assign(
        first_kind=first.reindex(last.index).fillna(-1).astype(int),
        log_out=(last < 0) & last.index.isin(first.index),
    )
    return visits.sort_values(["device", "start"])


def test_after_a_log_out_nobody_is_known_until_the_next_log_in() -> None:
    shop = plant(SimulatorConfig(visitors=3000, days=40, seed=9, log_out_share=0.4))
    visits = _first_known(shop)
    assert visits["log_out"].sum() > 200
    in_after_out = 0
    out: dict[int, bool] = {}
    for device, first_kind, log_out in visits[["device", "first_kind", "log_out"]].itertuples(index=False):
        says_who = first_kind in (ev.LOGIN, ev.REGISTER)
        if out.get(device) and first_kind >= 0:
            assert says_who
            in_after_out += 1
        if says_who:
            out[device] = False
        if log_out:
            out[device] = True
    assert in_after_out > 50
    assert (visits["first_kind"] == ev.PAGE).any(), "cookies remember those who did not log out"


def test_shared_devices_remember_nobody() -> None:
    shop = plant(SimulatorConfig(visitors=3000, days=40, seed=9, shared_device_share=0.03))
    visits = _first_known(shop)
    shared = shop.population.devices["number"].to_numpy()[visits["device"]] == SHARED
    assert set(visits["first_kind"][shared]) == {-1, ev.LOGIN}


def test_late_log_ins_come_days_after_the_first_visit(tmp_path: Path) -> None:
    late = write(
        tmp_path / "late", visitors=1500, days=30, late_login_share=1, very_late_share=0, shared_device_share=0
    )
    pairs = late.truth("identities").dropna(subset="customer_id")
    assert len(pairs) > 50
    assert (pairs["first_login"] - pairs["device_first_seen"]).min() > pd.Timedelta(days=1.9)
    usual = write(tmp_path / "usual", visitors=1500, days=30, late_login_share=0)
    pairs = usual.truth("identities").dropna(subset="customer_id")
    assert ((pairs["first_login"] - pairs["device_first_seen"]) < pd.Timedelta(hours=1)).mean() > 0.3


def test_people_are_described(small: Written) -> None:
    people = small.truth("people").set_index("person")
    visitors = small.truth("visitors")
    own = visitors[(visitors["person"] >= 0) & ~visitors["is_shared"]]
    assert set(own["person"]) <= set(people.index)
    assert (people.loc[own["person"], "segment"].to_numpy() == own["segment"].to_numpy()).all()
    assert set(people.loc[people["has_account"], "customer_id"]) <= set(small.table("users")["uid"])
    assert (people["shared_devices"] == 1).sum() > 5 and people["devices"].max() == 3

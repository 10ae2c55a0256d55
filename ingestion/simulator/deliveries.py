"""How planted events reach the shop: on time, late, twice, spoilt, or not before the history ends.

A delivery is one line of a log file. Its file is the shop's day on which it was received.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator import events as ev
from ingestion.simulator.clock import DAY, SECOND, ShopClock
from ingestion.simulator.config import SimulatorConfig

#: Ways in which a line can be spoilt. All but ``future_clock`` cannot enter the lake; that one is
#: well-formed, but its clock runs days ahead of its arrival.
DIRT = (
    "broken_json",
    "missing_type",
    "unknown_type",
    "bad_time",
    "huge_quantity",
    "order_without_id",
    "future_clock",
)
NO_DIRT = -1
FUTURE_CLOCK = DIRT.index("future_clock")

#: What became of a delivery; ``clean`` is the only fate that sessions and counts include.
FATES = ("clean", "too_late", "duplicate_same_file", "duplicate_later_file", *(f"dirty_{kind}" for kind in DIRT))
CLEAN, TOO_LATE, SAME_FILE, LATER_FILE = range(4)

#: Acceptable arrival after the event's day, in days; the platform's default.
LATEST_DAYS, EARLIEST_DAYS = 3, -1

_ORDER_KINDS = (ev.ORDER, ev.ORDER_REFUND, ev.ORDER_CANCEL)


def deliver(config: SimulatorConfig, clock: ShopClock, events: pd.DataFrame) -> pd.DataFrame:
    """Plan every line of the logs.

    Returns one row per delivery in file order: event (row of ``events``), received (instant),
    logged_ts (the time the line states), file_day, dirt (number in ``DIRT`` or -1), fate (number in
    ``FATES``). Deliveries after the last simulated day are left out: they have not arrived yet.
    """
    rng = config.rng("deliveries")
    ts = events["ts"].to_numpy()
    received = _receive(config, clock, rng, events)
    dirt = _spoil(config, rng, events)
    logged = np.where(dirt == FUTURE_CLOCK, ts + rng.integers(4 * DAY, 30 * DAY, len(ts)), ts)
    lag = clock.day(received) - clock.day(logged)
    in_time = (lag >= EARLIEST_DAYS) & (lag <= LATEST_DAYS)
    fate = np.where(dirt != NO_DIRT, dirt + len(FATES) - len(DIRT), np.where(in_time, CLEAN, TOO_LATE))
    first = pd.DataFrame(
        {"event": np.arange(len(ts)), "received": received, "logged_ts": logged, "dirt": dirt, "fate": fate}
    )
    table = pd.concat([first, _repeat(config, clock, rng, first[fate == CLEAN])], ignore_index=True)
    table["file_day"] = clock.day(table["received"].to_numpy())
    table = table[table["file_day"] < config.days]
    return table.sort_values(["received", "event", "fate"], kind="stable", ignore_index=True)


def _receive(
    config: SimulatorConfig, clock: ShopClock, rng: np.random.Generator, events: pd.DataFrame
) -> NDArray[np.int64]:
    """When each event is first received: seconds later, or days later for the tail of some visits.

    A visit's tail is late as a whole, as when a phone goes offline and sends its backlog later.
    """
    ts, visit = events["ts"].to_numpy(), events["visit"].to_numpy()
    received = ts + (rng.exponential(1.5, len(ts)) * SECOND).astype(np.int64) // 1000 * 1000 + 20_000
    visits = int(visit.max(initial=-1)) + 1
    luck, tail = rng.random(visits + 1), rng.random(visits + 1)
    days = np.select(
        [luck < config.very_late_share, luck < config.very_late_share + config.late_share],
        [rng.integers(5, 21, visits + 1), rng.choice([1, 2, 3], visits + 1, p=[0.65, 0.23, 0.12])],
        0,
    )
    days[visits] = 0  # visit -1, the shop's own systems, is never late
    # Place of each event inside its visit, as a share of the visit's duration.
    opening = np.full(visits + 1, np.iinfo(np.int64).max)
    closing = np.full(visits + 1, np.iinfo(np.int64).min)
    np.minimum.at(opening, visit, ts)
    np.maximum.at(closing, visit, ts)
    held = (days[visit] > 0) & (ts >= opening[visit] + tail[visit] * (closing - opening)[visit])
    # The backlog is sent in one go: `days` days after the visit's last event, at one time of day.
    sent_day = clock.day(closing[visit[held]]) + days[visit[held]]
    of_day = (6 * 3600 + (rng.random(visits + 1) * 16 * 3600)).astype(np.int64)[visit[held]] * SECOND
    received[held] = clock.at(sent_day, of_day)
    return received


def _spoil(config: SimulatorConfig, rng: np.random.Generator, events: pd.DataFrame) -> NDArray[np.int64]:
    """Choose which events' lines are spoilt and how; at least one of each kind unless the share is 0.

    Lines about orders are spared, so that orders stay reconcilable, except the extra purchase
    events without an order id, which ``plan_idless_orders`` adds and which are marked here.
    """
    kind = events["kind"].to_numpy()
    dirt = np.full(len(events), NO_DIRT, dtype=np.int64)
    idless = (kind == ev.ORDER) & (events["payload"].to_numpy() < 0)
    dirt[idless] = DIRT.index("order_without_id")
    if config.dirty_share == 0:
        return dirt
    plain = rng.permutation(np.flatnonzero(~np.isin(kind, (*_ORDER_KINDS, ev.LOGIN, ev.REGISTER))))
    each = dirty_lines_per_kind(config, len(events))
    with_item = plain[kind[plain] == ev.PRODUCT]
    for name in DIRT:
        if name == "order_without_id":
            continue
        pool = with_item if name == "huge_quantity" else plain
        chosen = pool[dirt[pool] == NO_DIRT][:each]
        dirt[chosen] = DIRT.index(name)
    return dirt


def dirty_lines_per_kind(config: SimulatorConfig, events: int) -> int:
    """How many lines of each kind of dirt go with a number of planted events."""
    return max(1, round(events * config.dirty_share / len(DIRT))) if config.dirty_share else 0


def plan_idless_orders(config: SimulatorConfig, events: pd.DataFrame) -> pd.DataFrame:
    """Extra purchase events that lack their order id: a broken check-out script ran beside the good one."""
    rng = config.rng("orders without id")
    bought = np.flatnonzero(events["kind"].to_numpy() == ev.ORDER)
    wanted = min(dirty_lines_per_kind(config, len(events)), len(bought))
    chosen = np.sort(rng.choice(bought, wanted, replace=False))
    table = events.iloc[chosen]
    return table.assign(ts=table["ts"] + 1000, payload=-1)


def _repeat(config: SimulatorConfig, clock: ShopClock, rng: np.random.Generator, clean: pd.DataFrame) -> pd.DataFrame:
    """Second deliveries of clean events: half the same bytes at once, half retries minutes to two days later."""
    chosen = clean[rng.random(len(clean)) < config.duplicate_share]
    wait = np.where(rng.random(len(chosen)) < 0.5, 0, rng.integers(60 * SECOND, 2 * DAY, len(chosen)) // 1000 * 1000)
    received = chosen["received"].to_numpy() + wait
    same = clock.day(received) == clock.day(chosen["received"].to_numpy())
    return chosen.assign(received=received, fate=np.where(same, SAME_FILE, LATER_FILE))

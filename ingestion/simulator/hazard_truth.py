"""The truth about who stays away: ``customer_hazard.parquet``.

One row per person who had come and day ``as_of``: the day after the history, and every 30 days before it
(at most 12 of them).

- as_of (ISO text): what is dated before it has happened; person, customer_id (the one they have or would
  get), segment
- interest: 1 engaged, less while it fades, 0 gone for good; left_on (ISO text): the day it ended, null while
  it had not
- visits_per_week (when engaged, before weekday and campaigns), keenness: what else the chance depends on
- visits_before, orders_before: planted before as_of (orders without test orders)
- no_purchase_30d, _60d, _90d: probability that no order (of the shop's table) is placed in that many days
  from as_of on, given the latent state on that day. Campaigns that the history planned count; beyond its
  end no campaign is known.
- seen_no_purchase_30d, _60d, _90d: the same from what the person's visits, carts left behind and orders
  before as_of tell one who knows the process (``hazard_seen``): what a model can hope for
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.clock import ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.hazard_seen import seen_hazard
from ingestion.simulator.interest import LEVELS, WEEK, transitions
from ingestion.simulator.orders import Orders
from ingestion.simulator.people import Population, customer_id
from ingestion.simulator.purchase_chance import PurchaseChances
from ingestion.simulator.segments import SEGMENTS
from ingestion.simulator.traffic import Campaign
from ingestion.simulator.visits import WEEKDAY_WEIGHTS, day_weights

HORIZONS = (30, 60, 90)
STEP_DAYS, MOST_STEPS = 30, 12

Floats = NDArray[np.float64]


def hazard_truth(
    config: SimulatorConfig,
    clock: ShopClock,
    population: Population,
    campaigns: tuple[Campaign, ...],
    chances: PurchaseChances,
    visits: pd.DataFrame,
    carts: pd.DataFrame,
    orders: Orders,
) -> pd.DataFrame:
    """The table ``customer_hazard``, in order of as_of and person; ``carts`` are the cart lines left in visits."""
    people = population.people
    _, per_visit = chances.of_later_visits(people["segment"].to_numpy(), people["keenness"].to_numpy())
    ladder = _traffic(config, campaigns)
    human = visits.loc[visits["person"] >= 0, ["person", "day"]]
    bought = orders.orders[~orders.orders["is_test"]]
    buyer, moment = visits["person"].to_numpy()[bought["visit"].to_numpy()], bought["ts"].to_numpy()
    names = np.array(customer_id(people["customer"].to_numpy()), dtype=object)
    segments = np.array([one.name for one in SEGMENTS], dtype=object)
    ends = population.interest.ends()
    days = sorted(range(config.days, 0, -STEP_DAYS)[:MOST_STEPS])
    human = human.assign(
        has_order=human.index.isin(bought["visit"].to_numpy()), leaves_cart=human.index.isin(carts["visit"].to_numpy())
    )
    seen = seen_hazard(population, chances, ladder, config.activity, human, days, HORIZONS)
    parts = []
    for number, as_of in enumerate(days):
        came = np.bincount(human["person"][human["day"] < as_of], minlength=len(people))
        known = np.flatnonzero(came)
        gone = ends[known] <= as_of
        left = [clock.date_of(day).isoformat() for day in np.where(gone, ends[known], 0).astype(np.int64).tolist()]
        before = moment < clock.midnight(as_of)
        parts.append(
            pd.DataFrame(
                {
                    "as_of": clock.date_of(as_of).isoformat(),
                    "person": known,
                    "customer_id": pd.Series(names[known], dtype="str"),
                    "segment": pd.Series(segments[people["segment"].to_numpy()[known]], dtype="str"),
                    "interest": LEVELS[population.interest.on(as_of)[known]],
                    "left_on": pd.Series(left, dtype="str").where(gone),
                    "visits_per_week": people["rate"].to_numpy()[known],
                    "keenness": people["keenness"].to_numpy()[known],
                    "visits_before": came[known],
                    "orders_before": np.bincount(buyer[before], minlength=len(people))[known],
                    **{
                        f"no_purchase_{horizon}d": _stays_away(population, per_visit, ladder, as_of, horizon)[known]
                        for horizon in HORIZONS
                    },
                    **{
                        f"seen_no_purchase_{horizon}d": seen[number, known, place]
                        for place, horizon in enumerate(HORIZONS)
                    },
                }
            )
        )
    # Rounded, so that machines whose arithmetic differs in the last digits write the same.
    return pd.concat(parts, ignore_index=True).round(9)


def _traffic(config: SimulatorConfig, campaigns: tuple[Campaign, ...]) -> Floats:
    """Cumulative relative traffic at the beginning of each day, on past the end of the history."""
    beyond = (config.start + timedelta(days=config.days)).weekday() + np.arange(max(HORIZONS) + 1)
    weights = np.concatenate([day_weights(config, campaigns), WEEKDAY_WEIGHTS[beyond % 7]])
    return np.concatenate([[0.0], np.cumsum(weights)])


def _stays_away(population: Population, per_visit: Floats, ladder: Floats, as_of: int, days: int) -> Floats:
    """Each person's probability of no order in ``days`` days from ``as_of``, given the state on that day.

    Within a week visits are Poisson and each ends in an order by its own luck, so that orders are
    Poisson too; between weeks the state moves on. Worked out backwards from the end.
    """
    since = population.interest.since
    mean = population.people["rate"].to_numpy()[:, None] / WEEK * LEVELS * per_visit
    moves = transitions()[population.people["segment"].to_numpy()]
    end = float(as_of + days)
    # The person's weeks that meet the horizon; the one under way has begun before as_of.
    borders = since + WEEK * (np.floor((as_of - since) / WEEK))
    weeks = days // int(WEEK) + 2
    grid = np.arange(len(ladder))
    later = np.ones(mean.shape)
    for week in reversed(range(weeks)):
        begins, stops = (np.clip(borders + WEEK * number, as_of, end) for number in (week, week + 1))
        traffic = np.interp(stops, grid, ladder) - np.interp(begins, grid, ladder)
        later = np.exp(-mean * traffic[:, None]) * np.einsum("pij,pj->pi", moves, later)
    now = population.interest.on(as_of)
    stays: Floats = later[np.arange(len(now)), now]
    return stays

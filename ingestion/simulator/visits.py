"""Visits of people: when they start, on which device, and where they come from.

A visit is what the process plants; true sessions (``truth``) follow from the 30-minute rule, since
visits may touch by chance and a long pause splits one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.clock import DAY, ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.intent import draw_intent
from ingestion.simulator.interest import LEVELS, WEEK
from ingestion.simulator.people import Population
from ingestion.simulator.seasons import draw_interest
from ingestion.simulator.traffic import CAMPAIGN_SOURCES, SOURCES, Campaign, campaign_of_day

#: Relative traffic of Monday to Sunday; mean 1.
WEEKDAY_WEIGHTS = np.array([0.92, 0.90, 0.92, 0.94, 1.00, 1.18, 1.14])
#: Relative traffic of the hours of a working day and of a weekend day.
_WORKDAY_HOURS = np.array(
    [
        2.2,
        1.1,
        0.6,
        0.4,
        0.4,
        0.6,
        1.4,
        2.8,
        3.9,
        4.6,
        4.9,
        5.0,
        6.3,
        5.6,
        4.4,
        4.2,
        4.2,
        4.3,
        4.8,
        6.0,
        8.0,
        9.2,
        8.0,
        4.6,
    ]
)
_WEEKEND_HOURS = np.array(
    [
        3.2,
        1.9,
        1.0,
        0.6,
        0.5,
        0.5,
        0.9,
        1.7,
        3.0,
        4.5,
        5.6,
        5.8,
        5.6,
        5.4,
        5.6,
        5.7,
        5.6,
        5.3,
        5.2,
        5.9,
        7.3,
        8.1,
        7.2,
        4.7,
    ]
)
_CAMPAIGN_TAG_SHARE = 0.6
_SHARED_VISITS = 0.5  # of the visits of people who share a device


def day_weights(config: SimulatorConfig, campaigns: tuple[Campaign, ...]) -> NDArray[np.float64]:
    """Relative traffic of each simulated day: weekday rhythm times campaign lift."""
    weekday = (config.start.weekday() + np.arange(config.days)) % 7
    lift = np.array([campaign.lift for campaign in campaigns] + [1.0])
    return WEEKDAY_WEIGHTS[weekday] * lift[campaign_of_day(config, campaigns)]


def plan_visits(
    config: SimulatorConfig, clock: ShopClock, population: Population, campaigns: tuple[Campaign, ...]
) -> pd.DataFrame:
    """All visits of people ordered by start.

    Columns: person, device (row of ``population.devices``), segment, start (instant), source and
    campaign numbers (-1: none), category (number of the main interest), nth (0 for a person's first),
    interest (how much of the person's is left, above 0), intent (see ``intent``).
    """
    rng = config.rng("visits")
    people = population.people
    # Days are drawn by inverting the cumulative day weights inside each week of each person.
    ladder = np.concatenate([[0.0], np.cumsum(day_weights(config, campaigns))])
    states = population.interest.states
    weeks = states.shape[1]
    borders = np.maximum(population.interest.since[:, None] + WEEK * np.arange(weeks + 1), 0.0)
    reached = np.interp(borders, np.arange(config.days + 1), ladder)
    traffic = np.diff(reached)
    visits = rng.poisson(people["rate"].to_numpy()[:, None] / WEEK * LEVELS[states] * traffic)
    newcomer = np.flatnonzero(~people["existing"].to_numpy())
    visits[newcomer, 0] += 1  # who joins comes at least once: the visit that makes them known
    week = np.repeat(np.arange(visits.size), visits.ravel())
    person = week // weeks
    low, first_row = reached[:, :-1].ravel(), np.cumsum(visits.ravel()) - visits.ravel()
    place = low[week] + rng.random(len(week)) * traffic.ravel()[week]
    place[first_row[newcomer * weeks]] = low[newcomer * weeks]
    day = np.clip(np.searchsorted(ladder, place, side="right") - 1, 0, config.days - 1)
    start = clock.at(day, _time_of_day(config, rng, day))
    interest = LEVELS[states.ravel()[week]]
    table = pd.DataFrame({"person": person, "day": day, "start": start, "interest": interest})
    table = table.sort_values(["start", "person"], kind="stable", ignore_index=True)
    table["nth"] = table.groupby("person").cumcount()
    return _dress(config, rng, population, campaigns, table)


def _time_of_day(config: SimulatorConfig, rng: np.random.Generator, day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Microseconds after midnight, whole milliseconds, by the hour profile of the weekday."""
    weekend = (config.start.weekday() + day) % 7 >= 5
    luck = rng.random(len(day))
    hour = np.empty(len(day), dtype=np.int64)
    for mask, profile in ((weekend, _WEEKEND_HOURS), (~weekend, _WORKDAY_HOURS)):
        ladder = np.cumsum(profile) / profile.sum()
        hour[mask] = np.minimum(np.searchsorted(ladder, luck[mask], side="right"), 23)
    inside = rng.integers(0, 3_600_000, len(day))
    return (hour * 3_600_000 + inside) * 1000 % DAY


def _dress(
    config: SimulatorConfig,
    rng: np.random.Generator,
    population: Population,
    campaigns: tuple[Campaign, ...],
    table: pd.DataFrame,
) -> pd.DataFrame:
    """Add device, traffic source, campaign and interest to the bare visits."""
    people, devices = population.people, population.devices
    person = table["person"].to_numpy()
    count = len(table)
    second = np.full(len(people), -1, dtype=np.int64)
    extra = devices[devices["number"] == 1]
    second[extra["person"].to_numpy()] = extra.index.to_numpy()
    on_second = (second[person] >= 0) & (rng.random(count) < 0.4)
    shared = population.shared_of[person]
    on_shared = (shared >= 0) & (config.rng("visits on shared devices").random(count) < _SHARED_VISITS)
    known = people["existing"].to_numpy()[person] | (table["nth"].to_numpy() > 0)
    luck = rng.random(count)
    source = np.empty(count, dtype=np.int64)
    for mask, field in ((known, "share_returning"), (~known, "share_new")):
        ladder = np.cumsum([getattr(one, field) for one in SOURCES])
        source[mask] = np.minimum(np.searchsorted(ladder, luck[mask] * ladder[-1], side="right"), len(SOURCES) - 1)
    running = campaign_of_day(config, campaigns)[table["day"].to_numpy()]
    tagged = np.isin(source, CAMPAIGN_SOURCES) & (rng.random(count) < _CAMPAIGN_TAG_SHARE)
    segment = people["segment"].to_numpy()[person]
    keenness, interest = people["keenness"].to_numpy()[person], table["interest"].to_numpy()
    favourite = people["favourite"].to_numpy()[person]
    return table.assign(
        device=np.select([on_shared, on_second], [shared, second[person]], person),
        segment=segment,
        source=source,
        intent=draw_intent(config, keenness, segment, source, interest),
        campaign=np.where(tagged, running, -1),
        category=draw_interest(config, favourite, table["day"].to_numpy(), rng.random(count)),
    )

"""How well one who knows the process could tell who will stay away from what there was to see.

The process itself knows everybody's segment, rate, keenness and interest; nobody else can. Here the
same probability is worked out from what a person did before a day: when they came, and which visits
left a cart behind or ended in an order. It is the filter of a hidden Markov model with known chances
(Rabiner 1989, section III): weeks forward, Bayes' rule in each, then the process on from there. A model
of such behaviour can come close to it and, but for what else is in the logs, not pass it.

Rates and keenness are taken at a few nodes, and the day of the week on which a person's weeks begin at
its middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.intent import KEENNESS
from ingestion.simulator.interest import ENGAGED, GONE, LEVELS, WEEK, transitions
from ingestion.simulator.people import RATE_SHAPE, Population
from ingestion.simulator.purchase_chance import PurchaseChances
from ingestion.simulator.segments import SEGMENTS, column

_RATE_NODES = np.geomspace(0.06, 5.0, 7)
_KEENNESS_NODES = 3
_CHUNK = 2000  # people worked on at a time
_NEVER = -60.0  # logarithm of the chance that who is gone comes

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class _Kinds:
    """Kinds of people by number, segment after segment: how common, visits a week, and in each state of
    interest the chances that a visit leaves a cart behind and that it ends in an order."""

    segment: Numbers
    share: Floats
    rate: Floats
    leaves_cart: Floats
    orders: Floats


def seen_hazard(
    population: Population,
    chances: PurchaseChances,
    ladder: Floats,
    activity: float,
    visits: pd.DataFrame,
    as_of: list[int],
    horizons: tuple[int, ...],
) -> Floats:
    """Probability of no order by day of ``as_of`` (ascending), person and horizon (days), from what was seen.

    ``visits`` of people: person, day, ``has_order`` and ``leaves_cart``. ``ladder`` is the cumulative relative
    traffic at the beginning of each day, past the last horizon.
    """
    kinds = _kinds(chances, activity)
    since, existing = population.interest.since, population.people["existing"].to_numpy()
    weeks = population.interest.states.shape[1]
    person, day = visits["person"].to_numpy(), visits["day"].to_numpy()
    week = np.clip((day - since[person]) // WEEK, 0, weeks - 1).astype(np.int64)
    outcome = np.where(visits["has_order"], 1, np.where(visits["leaves_cart"], 0, 2))
    grid, days = np.arange(len(ladder)), np.array(as_of)
    borders = np.clip(since[:, None] + WEEK * np.arange(weeks + 1), 0.0, float(len(ladder) - 1))
    reached = np.interp(borders, grid, ladder)

    def seen(rows: NDArray[np.bool_], traffic: Floats, first: NDArray[np.bool_], slot: Numbers) -> Floats:
        """Per slot: carts left, orders, other visits, all visits but the first, traffic."""
        size = traffic.size
        counts = np.bincount(slot[rows] * 3 + outcome[rows], minlength=size * 3).reshape(size, 3)
        # The visit that makes a person known is not one of chance.
        free = np.maximum(counts.sum(axis=1) - first.ravel(), 0)
        return np.column_stack([counts, free, traffic.ravel()])

    newcomer = np.zeros((len(since), weeks), dtype=bool)
    newcomer[:, 0] = ~existing
    everything = np.ones(len(day), dtype=bool)
    whole = seen(everything, np.diff(reached), newcomer, person * weeks + week).reshape(len(since), weeks, 5)
    under_way = np.clip((days[:, None] - since) // WEEK, 0, weeks - 1).astype(np.int64)
    everybody = np.arange(len(since))
    parts = np.stack(
        [
            seen(
                (day < date) & (week == now[person]),
                np.maximum(ladder[date] - reached[everybody, now], 0.0),
                newcomer[everybody, now],
                person,
            )
            for date, now in zip(as_of, under_way, strict=True)
        ]
    )
    ahead = np.stack([[_later(kinds, ladder, date, horizon) for horizon in horizons] for date in as_of])
    offset = np.clip(since[None, :] + WEEK * (under_way + 1) - days[:, None], 0, WEEK - 1e-9).astype(np.int64)
    found = np.ones((len(as_of), len(since), len(horizons)))
    for low in range(0, len(since), _CHUNK):
        some = slice(low, low + _CHUNK)
        _filter(kinds, whole[some], parts[:, some], under_way[:, some], offset[:, some], ahead, found[:, some])
    return found


def _kinds(chances: PurchaseChances, activity: float) -> _Kinds:
    """Every segment at every node of rate and keenness."""
    keenness, weights = np.polynomial.hermite_e.hermegauss(_KEENNESS_NODES)
    density = _RATE_NODES**RATE_SHAPE * np.exp(-RATE_SHAPE * _RATE_NODES)  # of the gamma, per step of the logarithm
    segment, rate, keen = (
        part.ravel() for part in np.meshgrid(np.arange(len(SEGMENTS)), _RATE_NODES, keenness, indexing="ij")
    )
    share = np.einsum("s,r,k->srk", column("share"), density, weights).ravel()
    carts, orders = chances.of_later_visits(segment, KEENNESS * keen)
    per_week = column("visits_per_week")[segment] * rate * activity
    return _Kinds(segment, share / share.sum(), per_week, carts - orders, orders)


def _filter(
    kinds: _Kinds, whole: Floats, parts: Floats, under_way: Numbers, offset: Numbers, ahead: Floats, found: Floats
) -> None:
    """Go through the weeks of some people and fill ``found`` (by day, person, horizon).

    ``whole``: what was seen by person and week; ``parts``: by day and person in the week under way, up
    to the day. ``offset``: whole days to the person's next week. ``ahead``: see ``_later``.
    """
    coming = np.where(LEVELS > 0, np.log(np.maximum(LEVELS, 1e-9)), _NEVER) + np.log(kinds.rate)[:, None]
    alive = LEVELS > 0
    other = np.where(alive, 1.0 - kinds.leaves_cart - kinds.orders, 1.0)
    log_carts, log_orders = (np.log(np.where(alive, some, 1.0)) for some in (kinds.leaves_cart, kinds.orders))
    weigh = np.stack([log_carts, log_orders, np.log(other), coming, -kinds.rate[:, None] / WEEK * LEVELS])
    weigh = weigh.reshape(5, -1)
    moves, each = transitions(), (len(SEGMENTS), -1, len(LEVELS))
    people = len(whole)
    belief = np.zeros((people, len(kinds.share), len(LEVELS)))
    belief[:, :, ENGAGED] = kinds.share
    for week in range(int(under_way.max(initial=-1)) + 1):
        for number, now in enumerate(under_way):
            rows = np.flatnonzero(now == week)
            known = _updated(belief[rows], parts[number, rows] @ weigh)
            later = ahead[number][:, offset[number, rows]]
            found[number, rows] = np.einsum("pks,hpks->ph", known, later)
        belief = _updated(belief, whole[:, week] @ weigh)
        by_segment = belief.reshape(people, *each).transpose(1, 0, 2, 3).reshape(len(SEGMENTS), -1, len(LEVELS))
        moved = (by_segment @ moves).reshape(len(SEGMENTS), people, -1, len(LEVELS))
        belief = moved.transpose(1, 0, 2, 3).reshape(belief.shape)


def _updated(belief: Floats, log_likelihood: Floats) -> Floats:
    """Bayes' rule for each person."""
    told = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)).reshape(belief.shape) * belief
    updated: Floats = told / told.sum(axis=(1, 2), keepdims=True)
    return updated


def _later(kinds: _Kinds, ladder: Floats, as_of: int, horizon: int) -> Floats:
    """Chance of no order in ``horizon`` days from ``as_of``, by whole days to the next week (0 to 6), kind and state."""
    grid, moves = np.arange(len(ladder)), transitions()[kinds.segment]
    found = np.empty((int(WEEK), len(kinds.share), len(LEVELS)))
    for offset in range(int(WEEK)):
        borders = np.r_[as_of, np.arange(as_of + offset + 0.5, as_of + horizon, WEEK), as_of + horizon]
        later = np.ones((len(kinds.share), len(LEVELS)))
        for traffic in np.diff(np.interp(borders, grid, ladder))[::-1]:
            orders = kinds.rate[:, None] / WEEK * LEVELS * kinds.orders * traffic
            later = np.exp(-orders) * np.einsum("kij,kj->ki", moves, later)
        found[offset] = later
    found[:, :, GONE] = 1.0
    return found

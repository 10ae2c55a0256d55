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

from ingestion.simulator.intent import keenness_spread
from ingestion.simulator.interest import ENGAGED, GONE, LEVELS, WEEK, transitions
from ingestion.simulator.people import Population, rate_shape
from ingestion.simulator.purchase_chance import PurchaseChances
from ingestion.simulator.segments import SEGMENTS, column

_LOWEST_RATE, _HIGHEST_RATE, _RATE_NODES = 0.06, 5.0, 7
_KEENNESS_NODES = 3
_CHUNK = 500  # people worked on at a time
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

    newcomer = np.zeros((len(since), weeks), dtype=bool)
    newcomer[:, 0] = ~existing
    whole = _tally(person * weeks + week, outcome, np.diff(reached), newcomer).reshape(len(since), weeks, -1)
    # The week under way on each day of as_of, as far as it has gone.
    under_way = np.clip((days[:, None] - since) // WEEK, 0, weeks - 1).astype(np.int64)
    everybody = np.arange(len(since))
    parts = []
    for date, now in zip(as_of, under_way, strict=True):
        gone_by = np.maximum(ladder[date] - reached[everybody, now], 0.0)
        rows = (day < date) & (week == now[person])
        parts.append(_tally(person[rows], outcome[rows], gone_by, newcomer[everybody, now]))
    ahead = np.array([[_later(kinds, ladder, date, horizon) for horizon in horizons] for date in as_of])
    # By day, whole days to the next week, state and kind together, horizon.
    ahead = ahead.transpose(0, 2, 4, 3, 1).reshape(len(as_of), int(WEEK), -1, len(horizons))
    offset = np.clip(since[None, :] + WEEK * (under_way + 1) - days[:, None], 0, WEEK - 1e-9).astype(np.int64)
    so_far, found = np.stack(parts), np.ones((len(as_of), len(since), len(horizons)))
    for low in range(0, len(since), _CHUNK):
        some = slice(low, low + _CHUNK)
        _filter(kinds, whole[some], so_far[:, some], under_way[:, some], offset[:, some], ahead, found[:, some])
    return found


def _tally(slot: Numbers, outcome: Numbers, traffic: Floats, newcomer: NDArray[np.bool_]) -> Floats:
    """What was seen in each slot: carts left, orders, other visits, all visits of chance, traffic.

    ``slot`` and ``outcome`` (0, 1, 2 for the first three) by visit; ``traffic`` and ``newcomer`` by slot: the visit
    that makes a newcomer known is not one of chance.
    """
    counts = np.bincount(slot * 3 + outcome, minlength=traffic.size * 3).reshape(-1, 3)
    by_chance = np.maximum(counts.sum(axis=1) - newcomer.ravel(), 0)
    return np.column_stack([counts, by_chance, traffic.ravel()])


def _kinds(chances: PurchaseChances, activity: float) -> _Kinds:
    """Every segment at every node of rate and keenness."""
    keenness, weights = np.polynomial.hermite_e.hermegauss(_KEENNESS_NODES)
    apart = chances.kinds_apart
    # Nodes lie closer where people of a kind differ less; their density is the gamma's, per step of the logarithm.
    rates = np.geomspace(_LOWEST_RATE ** (1 / apart), _HIGHEST_RATE ** (1 / apart), _RATE_NODES)
    density = rates ** rate_shape(apart) * np.exp(-rate_shape(apart) * rates)
    shape = (len(SEGMENTS), len(rates), _KEENNESS_NODES)
    segment, node, keen = (place.ravel() for place in np.indices(shape))
    share = np.einsum("s,r,k->srk", column("share"), density, weights).ravel()
    carts, orders = chances.of_later_visits(segment, keenness_spread(apart) * keenness[keen])
    per_week = column("visits_per_week", apart)[segment] * rates[node] * activity
    return _Kinds(segment, share / share.sum(), per_week, carts - orders, orders)


def _filter(
    kinds: _Kinds, whole: Floats, parts: Floats, under_way: Numbers, offset: Numbers, ahead: Floats, found: Floats
) -> None:
    """Go through the weeks of some people and fill ``found`` (by day, person, horizon).

    ``whole``: what was seen by person and week; ``parts``: by day and person in the week under way, up
    to the day. ``offset``: whole days to the person's next week. ``ahead``: chance of no order by day of as_of, offset,
    state and kind together, horizon.
    """
    moves = transitions()[kinds.segment]
    weigh = _weights(kinds)
    belief = np.zeros((len(LEVELS), len(whole), len(kinds.share)))
    belief[ENGAGED] = kinds.share
    for week in range(int(under_way.max(initial=-1)) + 1):
        for number, now in enumerate(under_way):
            rows = np.flatnonzero(now == week)
            if len(rows):
                known = _updated(belief[:, rows], parts[number, rows] @ weigh).transpose(1, 0, 2).reshape(len(rows), -1)
                for days in np.unique(offset[number, rows]):
                    some = offset[number, rows] == days
                    found[number, rows[some]] = known[some] @ ahead[number, days]
        belief = _updated(belief, whole[:, week] @ weigh)
        before = belief.copy()
        for state, following in np.argwhere(moves.any(axis=0)):
            if state == following:
                belief[state] += before[state] * (moves[:, state, state] - 1.0)
            else:
                belief[following] += before[state] * moves[:, state, following]


def _weights(kinds: _Kinds) -> Floats:
    """What each thing seen adds to the logarithm of the likelihood: by state, thing (see ``_tally``) and kind."""
    weigh = np.zeros((len(LEVELS), 5, len(kinds.share)))
    for state, level in enumerate(LEVELS[:GONE]):
        carts, orders = kinds.leaves_cart[:, state], kinds.orders[:, state]
        weigh[state] = np.log([carts, orders, 1.0 - carts - orders, level * kinds.rate, np.ones_like(carts)])
        weigh[state, 4] = -level * kinds.rate / WEEK
    weigh[GONE, 3] = _NEVER
    return weigh


def _updated(belief: Floats, log_likelihood: Floats) -> Floats:
    """Bayes' rule for each person; arrays by state, person and kind."""
    told = log_likelihood - log_likelihood.max(axis=(0, 2), keepdims=True)
    np.exp(told, out=told)
    told *= belief
    told /= told.sum(axis=(0, 2), keepdims=True)
    return told


def _later(kinds: _Kinds, ladder: Floats, as_of: int, horizon: int) -> Floats:
    """Chance of no order in ``horizon`` days from ``as_of``, by whole days to the next week, kind and state."""
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

"""How people's interest in the shop lasts: engaged, then often fading step by step, then gone.

Each person has weeks of their own, counted from when they came to know the shop. Between two weeks
interest may begin to fade, fade further, come back, or end; some leave without notice from wherever
they are (``weekly_churn``). It is a Markov chain whose chances are all here: visits get rarer in
proportion to ``LEVELS``, and carts are left behind more often (``intent``). Nothing else tells that
somebody is about to leave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.segments import SEGMENTS, column

WEEK = 7.0
#: Interest in each state: engaged, three steps of fading, gone; visits are that much as frequent.
LEVELS = np.array([1.0, 0.7, 0.45, 0.25, 0.0])
ENGAGED, GONE = 0, len(LEVELS) - 1
#: Weekly chances of each step of fading: interest comes back, fades further, ends.
_COMES_BACK, _FADES_ON, _ENDS = (0.12, 0.08, 0.05), (0.40, 0.40, 0.0), (0.03, 0.10, 0.30)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interest:
    """``since``: the day (a fraction, before 0 for people who knew the shop earlier) on which each
    person's first week begins. ``states``: person by week, a place in ``LEVELS``; enough weeks to
    cover the history."""

    since: Floats
    states: NDArray[np.int8]

    def ends(self) -> Floats:
        """The day, a fraction, from which each person is gone; infinite for those who stay."""
        gone = self.states == GONE
        return np.where(gone.any(axis=1), self.since + WEEK * gone.argmax(axis=1), np.inf)

    def on(self, day: int) -> NDArray[np.int8]:
        """Each person's state at the beginning of ``day``; of the first week for those not yet there."""
        week = np.clip((day - self.since) // WEEK, 0, self.states.shape[1] - 1).astype(np.int64)
        return self.states[np.arange(len(week)), week]


def transitions() -> Floats:
    """Chances of the state of the next week by segment, state and next state; rows add up to 1."""
    without_notice = (1.0 - np.exp(-column("weekly_churn")))[:, None, None]
    stops = np.zeros((len(LEVELS), len(LEVELS)))
    stops[:, GONE] = 1.0
    chances: Floats = (1.0 - without_notice) * _fading() + without_notice * stops
    return chances


def _fading() -> Floats:
    """The chances of those who do not leave without notice."""
    chance = np.zeros((len(SEGMENTS), len(LEVELS), len(LEVELS)))
    chance[:, ENGAGED, 1] = column("weekly_fading")
    for number in range(len(_ENDS)):
        step = number + 1
        chance[:, step, ENGAGED] = _COMES_BACK[number]
        chance[:, step, min(step + 1, GONE - 1)] += _FADES_ON[number]
        chance[:, step, GONE] = _ENDS[number]
    chance[:, GONE, GONE] = 1.0
    stays = np.arange(len(LEVELS))
    chance[:, stays, stays] += 1.0 - chance.sum(axis=2)
    return chance


def live(
    config: SimulatorConfig, segment: NDArray[np.int64], existing: NDArray[np.bool_], joins: Floats, quits: Floats
) -> Interest:
    """Draw everybody's weeks.

    Parallel arrays by person: segment; whether they knew the shop before the history began, which finds
    them somewhere in a week; the day they come to know it, 0 for those; after how many weeks they leave
    without notice (exponential, by ``weekly_churn``), if nothing else ended their interest before.
    """
    rng = config.rng("interest")
    count = len(segment)
    since = np.where(existing, -WEEK * rng.random(count), joins)
    weeks = int(np.ceil(config.days / WEEK)) + 1
    ladders = np.cumsum(_fading(), axis=2)[:, :, :-1]
    states = np.zeros((count, weeks), dtype=np.int8)
    for week in range(1, weeks):
        rungs = ladders[segment, states[:, week - 1]]
        states[:, week] = np.where(week > quits, GONE, (rng.random(count)[:, None] >= rungs).sum(axis=1))
    return Interest(since, states)

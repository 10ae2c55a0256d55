"""Which way of ordering a user's own items serves: all of them on dates of the shop's past, and the contest.

Each date is judged by what was bought in the horizon after it; whatever is learned is learned from dates whose horizon
was over by then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate, Floats
from ml.evaluation.ranking.columns import ITEM, RANK, USER
from ml.evaluation.ranking.metrics import means, user_metrics
from ml.evaluation.regression import mean_difference
from ml.evaluation.results import Measured, Subject
from ml.recommend.again.forms import AgainModel, contenders, recent_buyers
from ml.recommend.again.pairs import ITEM_NO, OUTCOME, USER_NO
from ml.registry.contest import Contender, Verdict, decide

#: Days ahead, the longest that the history allows to learn and to judge.
HORIZONS = (30, 14, 7)
#: Dates that are judged, and dates that are learned from before each, at most.
JUDGED_CUTS, LEARNED_CUTS = 3, 4
#: Users with something bought again that have to be judged for a choice to be worth anything.
FEWEST_JUDGED = 30
#: What decides is nDCG at the first; recall of short histories is 1 at the second whatever the order.
DECIDED_K, SHOWN_K = 10, 20
_SHOWN = ("recall", "ndcg", "map", "precision", "hit_rate")

#: Rows of ``pairs_at`` of a date.
PairsAt = Callable[[dt.date], pd.DataFrame]


@dataclass(frozen=True)
class Schedule:
    """``horizon_days`` ahead, and the dates whose outcomes are known, newest first: ``judged`` of them are judged."""

    horizon_days: int
    dates: tuple[dt.date, ...]
    judged: int


@dataclass(frozen=True, eq=False)
class Judged:
    """One contender on one date: ``per_user`` at :data:`DECIDED_K` and ``shown`` at :data:`SHOWN_K` as of
    ``user_metrics``; ``expected`` and ``happened`` (means over all pairs) say how true the probabilities were,
    ``log_loss`` how sharp, beside ``base_loss`` of one probability for all, taken from where the model learned."""

    per_user: pd.DataFrame
    shown: pd.DataFrame
    expected: float
    happened: float
    log_loss: float
    base_loss: float


@dataclass(frozen=True, eq=False)
class AgainContest:
    """``results`` by contender, a :class:`Judged` for each judged date, newest first, and the verdict on all dates."""

    schedule: Schedule
    results: dict[str, list[Judged]]
    verdict: Verdict


def schedule(first: dt.date, as_of: dt.date) -> Schedule:
    """Dates a horizon apart, back from ``as_of``, each with at least as many days of history.

    Raises ``NotEnoughData`` where the shortest horizon leaves no date to learn from before one to judge.
    """
    days = (as_of - first).days
    for horizon in HORIZONS:
        n = days // horizon - 1
        if n >= 2:
            judged = min(JUDGED_CUTS, n - 1)
            dates = [as_of - dt.timedelta(days=horizon * back) for back in range(1, min(n, judged + LEARNED_CUTS) + 1)]
            return Schedule(horizon, tuple(dates), judged)
    raise NotEnoughData("days of purchases", f"{3 * HORIZONS[-1]}", f"{days}")


def contest(pairs_at: PairsAt, plan: Schedule, *, champion: str | None = None) -> AgainContest:
    """Judge all contenders on the dates of ``plan``, learned from up to :data:`LEARNED_CUTS` dates before each.

    Raises ``NotEnoughData`` where too few users bought something again to judge by, or to learn from.
    """
    frames = {at: pairs_at(at) for at in plan.dates}
    results: dict[str, list[Judged]] = {model.name: [] for model in contenders()}
    users: set[int] = set()
    too_few: NotEnoughData | None = None
    for place, at in enumerate(plan.dates[: plan.judged]):
        learned = learning_frame([frames[one] for one in plan.dates[place + 1 : place + 1 + LEARNED_CUTS]])
        try:
            fitted = [model.fit(learned) for model in contenders()]
        except NotEnoughData as error:
            # a young shop: what was before its oldest dates teaches nothing
            too_few = error
            continue
        again = set(frames[at].loc[frames[at][OUTCOME], USER_NO].tolist())
        users |= again
        for model in fitted if again else []:
            results[model.name].append(judge(model, frames[at], float(recent_buyers(learned)[OUTCOME].mean())))
    if len(users) < FEWEST_JUDGED:
        raise too_few or NotEnoughData(
            f"users who bought a product again within {plan.horizon_days} days", f"{FEWEST_JUDGED}", f"{len(users)}"
        )
    return AgainContest(plan, results, _verdict(results, champion))


def fit_winner(found: AgainContest, pairs_at: PairsAt) -> AgainModel:
    """The winner, learned from the newest dates whose outcomes are known."""
    learned = learning_frame([pairs_at(at) for at in found.schedule.dates[:LEARNED_CUTS]])
    model = next(one for one in contenders() if one.name == found.verdict.winner)
    return model.fit(learned)


def learning_frame(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows of several dates as one."""
    return pd.concat(frames, ignore_index=True)


def judge(model: AgainModel, pairs: pd.DataFrame, base_rate: float) -> Judged:
    """A fitted model's lists of ``pairs`` against what was bought again; every user who did is judged; their
    probabilities are of those whom lists are for, :func:`ml.recommend.again.forms.recent_buyers`."""
    lists = own_lists(pairs, model.scores(pairs), SHOWN_K)
    relevant = pairs.loc[pairs[OUTCOME], [USER_NO, ITEM_NO]].set_axis([USER, ITEM], axis=1)
    lately = recent_buyers(pairs)
    chance, happened = model.probabilities(lately), lately[OUTCOME].to_numpy(dtype=float)
    return Judged(
        user_metrics(lists, relevant, k=DECIDED_K),
        user_metrics(lists, relevant, k=SHOWN_K),
        float(chance.mean()),
        float(happened.mean()),
        _log_loss(chance, happened),
        _log_loss(np.full(len(happened), base_rate), happened),
    )


def own_lists(pairs: pd.DataFrame, scores: Floats, k: int) -> pd.DataFrame:
    """The best ``k`` own items of each user by number: ``user``, ``item``, ``rank`` (from 1), ``score``, and ``place``,
    the row of ``pairs``; equal scores by item."""
    user, item = pairs[USER_NO].to_numpy(), pairs[ITEM_NO].to_numpy()
    order = np.lexsort((item, -scores, user))
    first = np.flatnonzero(np.diff(user[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order))) + 1
    place = order[rank <= k]
    return pd.DataFrame(
        {USER: user[place], ITEM: item[place], RANK: rank[rank <= k], "score": scores[place], "place": place}
    )


def evaluation_rows(found: AgainContest, shop: Subject) -> list[Measured]:
    """Rows of ``ml.evaluation``: mean nDCG of all dates of every contender; its figures on the newest date with
    intervals over users; and how true its probabilities were there. ``shop`` says all but the model."""
    rows = []
    for name, judged in found.results.items():
        subject = Subject(shop.capability, shop.shop_id, shop.as_of, name, shop.seed, shop.model_version)
        about: dict[str, object] = {
            "chosen": name == found.verdict.winner,
            "horizon_days": found.schedule.horizon_days,
            "dates": [at.isoformat() for at in found.schedule.dates[: found.schedule.judged]],
        }
        pooled = np.concatenate([one.per_user["ndcg"].to_numpy() for one in judged])
        rows.append(Measured(subject, "mean_ndcg_of_cuts", float(pooled.mean()), len(pooled), about))
        newest = judged[0]
        for k, frame in ((DECIDED_K, newest.per_user), (SHOWN_K, newest.shown)):
            rows += [
                Measured(subject, f"{metric}@{k}", figure, len(frame), about)
                for metric, figure in means(frame, _SHOWN, random_state=shop.seed).items()
            ]
        n = len(newest.per_user)
        rows.append(Measured(subject, "expected_share", newest.expected, n, about))
        rows.append(Measured(subject, "happened_share", newest.happened, n, about))
        rows.append(Measured(subject, "log_loss", newest.log_loss, n, about))
        rows.append(Measured(subject, "log_loss_of_base_rate", newest.base_loss, n, about))
    return rows


def _verdict(results: dict[str, list[Judged]], champion: str | None) -> Verdict:
    pooled = {name: pd.concat([one.per_user["ndcg"] for one in judged]) for name, judged in results.items()}

    def compare(one: str, other: str, level: float) -> Estimate:
        # a user who is judged on several dates is drawn as one
        return mean_difference(
            pooled[one].to_numpy(), pooled[other].to_numpy(), level=level, groups=pooled[one].index.to_numpy()
        )

    standing = [Contender(model.name, model.simplicity) for model in contenders()]
    return decide(standing, {name: float(values.mean()) for name, values in pooled.items()}, compare, champion)


def _log_loss(chance: Floats, happened: Floats) -> float:
    chance = np.clip(chance, 1e-6, 1 - 1e-6)
    return float(-np.mean(happened * np.log(chance) + (1 - happened) * np.log(1 - chance)))

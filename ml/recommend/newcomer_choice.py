"""How far back popularity looks for who is not known yet: judged by people who were not there before.

Who is known wants what came up this week, a stranger what lasts: the window that is best for one is not for the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ml.evaluation.intervals import Estimate
from ml.evaluation.ranking.columns import ITEM, USER
from ml.evaluation.ranking.metrics import means, user_metrics
from ml.evaluation.ranking.splits import back_tests_up_to
from ml.recommend.interactions import Interactions
from ml.recommend.tuning import Maker


@dataclass(frozen=True)
class NewcomerChoice:
    """``winner`` among the popularity baselines, the nDCG of each over ``n`` strangers of all cuts."""

    winner: str
    ndcg: Mapping[str, Estimate]
    n: int


def choose_for_newcomers(
    rows: pd.DataFrame,
    baselines: Mapping[str, Maker],
    *,
    horizon: pd.Timedelta,
    times: int = 3,
    k: int = 10,
    fewest: int = 30,
) -> NewcomerChoice | None:
    """The popularity whose list met best what strangers chose in the ``horizon`` after each of ``times`` cuts.

    All are counts of the same kind, so that the best serves, of equal ones the first. ``None`` where fewer than
    ``fewest`` strangers came, or the history of ``rows`` (as of ``splits.back_tests``) is too short for a cut.
    """
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in baselines}
    for cut in next(back_tests_up_to(rows, horizon=horizon, times=times), []):
        chosen = cut.of_strangers().test.astype({USER: str, ITEM: str})
        known = Interactions.from_frame(cut.train)
        for name, make in baselines.items():
            lists = make().fit(known).recommend(chosen[USER].unique(), k)
            found[name].append(user_metrics(lists, chosen, k=k))
    n = max((sum(len(part) for part in parts) for parts in found.values()), default=0)
    if n < fewest:
        return None
    ndcg = {name: means(pd.concat(parts), ["ndcg"])["ndcg"] for name, parts in found.items()}
    judged = {name: value for name, value in ndcg.items() if value is not None}
    return NewcomerChoice(max(judged, key=lambda name: judged[name].value), judged, n)

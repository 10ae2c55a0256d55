"""Fit models on what a split lets them learn from, let them recommend, and judge: the table of all members."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pandas as pd

from ml.evaluation.ranking.columns import ITEM, USER
from ml.evaluation.ranking.report import RankingReport, judge
from ml.evaluation.ranking.splits import Split, check_no_leak
from ml.recommend.interactions import Interactions
from ml.recommend.recommender import Recommender
from ml.recommend.tuning import Maker


def back_test(
    makers: Mapping[str, Maker], split: Split, *, k: int = 10, filter_seen: bool = True, n_items: int | None = None
) -> dict[str, RankingReport]:
    """A report for each of ``makers`` on one split; ``seconds`` are of processor time, fitting and recommending.

    Every user with a row in ``split.test`` is asked for, strangers too: a model that has nothing for them measures 0
    there, as its shop would have shown nothing. Raises ``ValueError`` where the split leaks.
    """
    check_no_leak(split)
    data = Interactions.from_frame(split.train)
    users = list(dict.fromkeys(split.test[USER].map(str)))
    return {name: timed(make(), data, users, split, k, filter_seen, n_items) for name, make in makers.items()}


def timed(
    model: Recommender,
    data: Interactions,
    users: Sequence[str],
    split: Split,
    k: int,
    filter_seen: bool = True,
    n_items: int | None = None,
) -> RankingReport:
    """One model of :func:`back_test`."""
    start = time.process_time()
    recommended = model.fit(data).recommend(users, k, filter_seen)
    seconds = time.process_time() - start
    relevant = split.test.assign(**{USER: split.test[USER].map(str), ITEM: split.test[ITEM].map(str)})
    learned = split.train.assign(**{USER: split.train[USER].map(str), ITEM: split.train[ITEM].map(str)})
    judged = Split(split.name, learned, relevant, split.cut)
    return judge(recommended, judged, k=k, seconds=seconds, n_items=n_items)


def table(reports: Mapping[str, RankingReport], *, by: str = "ndcg") -> pd.DataFrame:
    """One row per model, best first: every figure of ``RankingReport.figures`` under its name."""
    rows = pd.DataFrame({name: report.figures() for name, report in reports.items()}).T
    rows.index.name = "model"
    return rows.astype(float).sort_values(by, ascending=False, kind="stable")

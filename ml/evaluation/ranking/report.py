"""One recommender's lists against one split: measures with intervals, and their rows for ``ml.evaluation``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from ml.evaluation.intervals import Estimate
from ml.evaluation.ranking.catalogue import catalogue_measures
from ml.evaluation.ranking.columns import USER
from ml.evaluation.ranking.groups import group_metrics
from ml.evaluation.ranking.metrics import METRICS, means, user_metrics
from ml.evaluation.ranking.splits import Split
from ml.evaluation.results import Measured, Subject

#: The measures that are also given for each group.
GROUP_METRICS = ("ndcg", "recall")


@dataclass(frozen=True)
class RankingReport:
    """``per_user`` is of ``user_metrics`` (for paired comparisons); ``measures`` are means over users with interval,
    ``catalogue`` is of all lists together, ``groups`` maps a group's name to its measures; ``served`` is the share
    of the judged users who got a list; ``seconds`` is what fitting and recommending took, if it was measured."""

    k: int
    split: str
    per_user: pd.DataFrame
    measures: dict[str, Estimate | None]
    catalogue: dict[str, float | None]
    groups: dict[str, dict[str, Estimate | None]]
    served: float
    seconds: float | None = field(default=None, compare=False)

    def figures(self) -> dict[str, float | None]:
        """Every figure without its interval, by metric name: a row of a table of models."""
        found: dict[str, float | None] = {
            metric: None if estimate is None else estimate.value for metric, estimate in self.measures.items()
        }
        return {**found, **self.catalogue, "served": self.served, "seconds": self.seconds}

    def rows(self, subject: Subject) -> list[Measured]:
        """Rows of ``ml.evaluation``: ``ndcg@10``, ``ndcg@10/newcomer``, ``coverage@10`` and so on."""
        n = len(self.per_user)
        detail = {"split": self.split, "k": self.k}
        rows = [Measured(subject, f"{name}@{self.k}", figure, n, detail) for name, figure in self.measures.items()]
        rows += [Measured(subject, f"{name}@{self.k}", figure, n, detail) for name, figure in self.catalogue.items()]
        for group, measures in self.groups.items():
            for name, figure in measures.items():
                size = 0 if figure is None else figure.n
                rows.append(Measured(subject, f"{name}@{self.k}/{group}", figure, size, {**detail, "group": group}))
        rows.append(Measured(subject, "served", self.served, n, detail))
        if self.seconds is not None:
            rows.append(Measured(subject, "cpu_seconds", self.seconds, n, detail))
        return rows


def judge(
    recommended: pd.DataFrame,
    split: Split,
    *,
    k: int,
    n_items: int | None = None,
    seconds: float | None = None,
    metrics: Sequence[str] = METRICS,
    random_state: int = 42,
) -> RankingReport:
    """All measures of ``recommended`` (``user``, ``item``, ``rank``) against ``split.test``.

    Every user with a row in ``split.test`` is judged; who got no list measures 0. ``n_items`` is the size of the
    catalogue (the items of ``split.train`` unless told). Raises ``ValueError`` as ``user_metrics`` does.
    """
    per_user = user_metrics(recommended, split.test, k=k)
    judged = recommended[recommended[USER].isin(per_user.index)]
    grouped = group_metrics(judged, split.test, split.train, k=k)
    return RankingReport(
        k=k,
        split=split.name,
        per_user=per_user,
        measures=means(per_user, metrics, random_state=random_state),
        catalogue=catalogue_measures(judged, split.train, k=k, n_items=n_items, random_state=random_state),
        groups={name: means(frame, GROUP_METRICS, random_state=random_state) for name, frame in grouped.items()},
        served=judged[USER].nunique() / len(per_user) if len(per_user) else 0.0,
        seconds=seconds,
    )

"""Whether LightGBM has a second look at the fusion's lists: only where the shop's own cuts in time show a paired gain.

It is asked for only where the fusion has won, as that is what it looks at again, and where ``lightgbm`` is installed
(extra ``rerank``). It knows the fusion's members and how popular things are, and learns on an inner cut by time within
what each cut lets it know. Serving it costs two fits of every member a day and a list for everyone anew.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate
from ml.evaluation.ranking.splits import Split
from ml.evaluation.regression import mean_difference
from ml.evaluation.results import Measured, Subject
from ml.recommend.reranker import Reranker, inner_time, rerank_selection
from ml.recommend.tuning import FUSION, Maker, Selection, judged_ndcg

#: The name of the re-ranked fusion among the contenders.
RERANKED = "reranked"


@dataclass(frozen=True, eq=False)
class RerankChoice:
    """``wins``: whether it is better than the fusion beyond doubt; ``gain`` in nDCG over it, ``None`` where it was not
    tried, and ``reason`` in words. ``per_user`` is in the order of ``Selection.users``; ``seconds`` is processor time
    of fitting and asking it on all cuts."""

    wins: bool
    reason: str
    gain: Estimate | None = None
    seconds: float = 0.0
    per_user: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), repr=False)

    def rows(self, shop: Subject) -> list[Measured]:
        """Rows of ``ml.evaluation``; none where it was not tried."""
        if self.gain is None:
            return []
        subject = Subject(shop.capability, shop.shop_id, shop.as_of, RERANKED, shop.seed, shop.model_version)
        detail = {"chosen": self.wins, "over": FUSION, "reason": self.reason}
        n = len(self.per_user)
        return [
            Measured(subject, "mean_ndcg_of_cuts", float(self.per_user.mean()), n, {**detail, "baseline": False}),
            Measured(subject, "mean_ndcg_of_cuts_gain", self.gain, n, detail),
            Measured(subject, "cpu_seconds_of_cuts", self.seconds, n, detail),
        ]


def has_lightgbm() -> bool:
    """Whether the extra ``rerank`` is installed."""
    return importlib.util.find_spec("lightgbm") is not None


def reranked(selection: Selection, makers: Mapping[str, Maker], days: float, random_state: int) -> Reranker:
    """The unfitted re-ranker of the fusion that was chosen; learns to find what the last ``days`` hold."""
    return rerank_selection(selection, makers, inner=inner_time(days), random_state=random_state)


def judge_reranker(
    selection: Selection, makers: Mapping[str, Maker], cuts: Sequence[Split], *, k: int, days: float, random_state: int
) -> RerankChoice:
    """Fit it on every cut of ``selection``, and compare it with the fusion on the same users."""
    if not has_lightgbm():
        return RerankChoice(False, "lightgbm is not installed")
    start = time.process_time()
    make = partial(reranked, selection, makers, days, random_state)
    try:
        with threadpool_limits(1):
            values = np.concatenate([judged_ndcg(make(), cut, k=k, random_state=random_state) for cut in cuts])
    except NotEnoughData as error:
        return RerankChoice(False, str(error))
    seconds = time.process_time() - start
    people = selection.users.astype(str)
    gain = mean_difference(values, selection.per_user[FUSION], groups=people)
    shown = f"{gain.value:.4f} ({gain.low:.4f} to {gain.high:.4f}) over the fusion"
    if gain.low > 0:
        return RerankChoice(True, f"the re-ranker gains {shown}", gain, seconds, values)
    return RerankChoice(False, f"the re-ranker gains nothing beyond doubt: {shown}", gain, seconds, values)

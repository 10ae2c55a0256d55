"""Which of the contenders serves: the simplest that is as good as the best, and a baseline until it is beaten.

A fusion that was chosen on a few dozen users follows their luck; it serves where its paired gain on the inner splits
says so. The rule is the platform's own (``ml.registry.contest``): a popularity baseline has the benefit of the doubt,
then come single models, then the fusion of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ml.evaluation.intervals import Estimate
from ml.evaluation.regression import mean_difference
from ml.recommend.recommender import BlockRecommender
from ml.recommend.tuning import FUSION, Maker, Selection
from ml.registry.contest import Contender, Verdict, decide

#: How many models a contender is made of: baselines, single models, fusions.
_BASELINE, _SINGLE, _SEVERAL = 0, 1, 2


def choose(selection: Selection, baselines: Collection[str], *, champion: str | None = None) -> Verdict:
    """The verdict among all candidates of ``selection`` and their fusion, by nDCG per user on the inner splits.

    ``baselines`` are the names of the popularity models among them; ``champion`` what serves now, if it is one of
    the contenders. A user who is judged on several splits is drawn as one.
    """
    contenders = [Contender(name, _BASELINE if name in baselines else _SINGLE) for name in selection.alone]
    if len(selection.taken) > 1:
        contenders.append(Contender(FUSION, _SEVERAL))
    values = {one.name: float(selection.per_user[one.name].mean()) for one in contenders}

    def compare(one: str, other: str, level: float) -> Estimate:
        return mean_difference(
            selection.per_user[one], selection.per_user[other], level=level, groups=selection.users.astype(str)
        )

    return decide(contenders, values, compare, champion)


def chosen_model(selection: Selection, verdict: Verdict, candidates: Mapping[str, Maker]) -> BlockRecommender:
    """The unfitted model that the verdict names."""
    return selection.fusion(candidates) if verdict.winner == FUSION else candidates[verdict.winner]()

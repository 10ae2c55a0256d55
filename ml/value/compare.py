"""Which model ships: every candidate learns at earlier cuts, is tested on later ones, and one wins the contest, which
may be a naive baseline.

Chosen by Tweedie deviance, not by absolute or squared error. Absolute error is least for the median outcome, and
the median customer spends nothing: it rewards predicting too little. Squared error is least for the mean, but a
few great customers decide it: on Online Retail its interval is from half to twice the figure, which sorts
nothing. The deviance is least for the mean too and weighs errors by the size of what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from ml.evaluation.clustering import sample_rows
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate
from ml.evaluation.regression import mean_difference, regression_measures, tweedie_loss
from ml.evaluation.results import Measured, Subject
from ml.registry.contest import Contender, Verdict, decide
from ml.value.blend import Blend
from ml.value.cuts import Cut
from ml.value.histories import Floats
from ml.value.lifetime import BuyTillYouDie
from ml.value.naive import TARGETS, MeanOfAll, OutcomeModel, OwnRate
from ml.value.spend import Boosted, RidgeTweedie, TwoPart

CAPABILITY = "customer_value"
#: Customers of a cut that candidates are held to at most: more only make narrow intervals narrower.
MOST_TESTED = 40_000
#: Resamples behind an interval, enough for the strict level of each of several comparisons.
_RESAMPLES = 1000

#: Makes a candidate from a seed; the simplest first, for a tie goes to the simpler.
Candidates = Sequence[Callable[[int], OutcomeModel]]
CANDIDATES: Candidates = (
    MeanOfAll,
    OwnRate,
    partial(BuyTillYouDie, "bgnbd"),
    partial(BuyTillYouDie, "pareto_nbd"),
    RidgeTweedie,
    Blend,
    Boosted,
    TwoPart,
)
#: Names of the naive ones, which have the benefit of the doubt.
BASELINES = (MeanOfAll.name, OwnRate.name)


@dataclass(frozen=True)
class Trial:
    """All candidates at one cut (with ``MOST_TESTED`` of its customers at most): fitted ``models`` and their
    ``predictions`` (shape ``(n,)``) by name, in order of simplicity, against ``actual``; ``refused`` says why a
    candidate could not learn."""

    target: str
    cut: Cut
    learned: tuple[Cut, ...]
    actual: Floats
    models: dict[str, OutcomeModel]
    predictions: dict[str, Floats]
    refused: dict[str, str]

    def known(self) -> np.ndarray:
        """Rows whose outcome every candidate can be held to, shape ``(n,)``."""
        known = ~np.isnan(self.actual)
        for prediction in self.predictions.values():
            known &= ~np.isnan(prediction)
        return known


def try_candidates(
    target: str, cuts: Sequence[Cut], random_state: int, candidates: Candidates = CANDIDATES
) -> list[Trial]:
    """One trial for every cut that has an earlier one to learn from, newest first.

    Raises ``NotEnoughData`` where the newest trial has no candidate or no known outcome.
    """
    trials = []
    for position in range(len(cuts) - 1):
        cut, learned = cuts[position], tuple(cuts[position + 1 :])
        models: dict[str, OutcomeModel] = {}
        refused: dict[str, str] = {}
        for make in candidates:
            model = make(random_state)
            try:
                models[model.name] = model.fit(target, learned, cut)
            except NotEnoughData as reason:
                refused[model.name] = str(reason)
        held_to = sample_rows(len(cut.features), MOST_TESTED, random_state)
        tested = replace(cut, features=cut.features.iloc[held_to])
        predictions = {name: model.predict(tested.features) for name, model in models.items()}
        trial = Trial(target, tested, learned, tested.outcome(target), models, predictions, refused)
        if models and trial.known().any():
            trials.append(trial)
        elif position == 0:
            why = next(iter(refused.values()), "customers of known outcome: none")
            raise NotEnoughData(f"expected {TARGETS[target]}", "a model that can learn and a test of it", why)
    return trials


def choose(trials: Sequence[Trial], random_state: int, champion: str | None = None) -> Verdict:
    """The winner of ``ml.registry.contest`` by the paired deviance over all trials, naive baselines among the
    contenders; ``champion`` is the candidate that serves now.

    Customers are drawn with all of their rows; only candidates that could learn in every trial are compared.
    """
    names = [name for name in trials[0].models if all(name in trial.models for trial in trials)]
    losses = {
        name: np.concatenate(
            [tweedie_loss(trial.actual[rows], trial.predictions[name][rows]) for trial, rows in _known(trials)]
        )
        for name in names
    }
    customers = pd.factorize(
        pd.concat([trial.cut.features["customer_id"].iloc[np.flatnonzero(rows)] for trial, rows in _known(trials)])
    )[0]

    def gain(name: str, over: str, level: float) -> Estimate:
        return mean_difference(
            losses[over],
            losses[name],
            n_resamples=_RESAMPLES,
            level=level,
            random_state=random_state,
            groups=customers,
        )

    contenders = [Contender(name, 0 if name in BASELINES else place) for place, name in enumerate(names, start=1)]
    return decide(contenders, {name: -float(loss.mean()) for name, loss in losses.items()}, gain, champion)


def measure_trials(
    trials: Sequence[Trial], chosen: str, shop_id: str, seed: int, version: str, currency: str | None
) -> Iterator[Measured]:
    """Rows of ``ml.evaluation``: each candidate at each trial's cut (which is the rows' ``as_of``)."""
    for trial, rows in _known(trials):
        word = TARGETS[trial.target]
        shared = {
            "horizon_days": trial.cut.horizon_days,
            "learned_at": [cut.as_of.isoformat() for cut in trial.learned],
            "unit": "orders (days with one)" if word == "orders" else f"minor units of {currency or 'one currency'}",
        }
        for name, prediction in trial.predictions.items():
            subject = Subject(CAPABILITY, shop_id, trial.cut.as_of, name, seed, version)
            detail = {**shared, "chosen": name == chosen}
            actual, predicted = trial.actual[rows], prediction[rows]
            figures: dict[str, Estimate | None] = regression_measures(actual, predicted, random_state=seed)
            for metric, figure in figures.items():
                yield Measured(subject, f"{word}_{metric}", figure, len(actual), detail)
        for name, reason in trial.refused.items():
            subject = Subject(CAPABILITY, shop_id, trial.cut.as_of, name, seed, version)
            yield Measured(subject, f"{word}_tweedie_deviance", None, 0, {**shared, "refused": reason})


def _known(trials: Sequence[Trial]) -> Iterator[tuple[Trial, np.ndarray]]:
    return ((trial, trial.known()) for trial in trials)

"""All candidates over the same dates, judged on the same rows, and the one that shall serve."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.classification import METRICS, Metric
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate, Floats, percentile_interval
from ml.evaluation.origins import Cut, Origin, cuts, stacked
from ml.evaluation.resamples import Measure, bootstrap_weights, estimates, gain
from ml.learners.candidates import Candidate
from ml.learners.probability_model import ProbabilityModel
from ml.registry.contest import Contender, Verdict, decide

#: Rows that candidates learn from in a back-test; above it a seeded sample stands for all.
BACKTEST_ROWS = 15_000
#: Held-out rows that candidates are judged on; more would narrow intervals that are narrow already.
JUDGED_ROWS = 24_000
#: Resamples behind the figures' intervals, and behind the comparisons, whose level is stricter.
_FIGURES_RESAMPLES, _FLOOR_RESAMPLES, _CONTEST_RESAMPLES = 200, 300, 1000
_SEPARATOR = "\0"
CUSTOMER = "customer_id"


@dataclass(frozen=True)
class Backtest:
    """What a back-test found.

    ``cuts`` are its folds; ``y``, ``customers`` and ``as_of`` (shape ``(n,)``) the held-out rows of all
    folds, ``scores`` each candidate's probabilities for them, ``figures`` its ``METRICS`` with intervals
    over customers. ``failed`` says of candidates that could not be fitted, or must not serve, why.
    """

    cuts: tuple[Cut, ...]
    y: Floats
    customers: npt.NDArray[np.object_]
    as_of: npt.NDArray[np.object_]
    scores: dict[str, Floats]
    figures: dict[str, dict[str, Estimate | None]]
    verdict: Verdict
    failed: dict[str, str]

    def gain(
        self, new: str, old: str, metric: str, *, n_resamples: int = 1000, random_state: int = 42
    ) -> Estimate | None:
        """How much better ``new`` is than ``old`` in one of ``METRICS`` on the same rows; positive is better."""
        chosen, folds = METRICS[metric], pd.factorize(pd.Series(self.as_of))[0]
        return gain(
            within_folds(chosen, self.y, self.scores[new], folds),
            within_folds(chosen, self.y, self.scores[old], folds),
            len(self.y),
            higher_is_better=chosen.higher_is_better,
            n_resamples=n_resamples,
            random_state=random_state,
            groups=pd.factorize(pd.Series(self.customers))[0],
        )

    @property
    def winner(self) -> str:
        """The name of the candidate that shall serve."""
        return self.verdict.winner


def backtest(
    origins: Sequence[Origin],
    horizon_days: int,
    candidates: Sequence[Candidate],
    numeric: Sequence[str],
    categorical: Sequence[str] = (),
    *,
    tests: int = 3,
    metric: str = "log_loss",
    floor: str | None = None,
    champion: str | None = None,
    random_state: int = 42,
) -> Backtest:
    """Fit every candidate before each test date, score the cases of that date, and decide.

    Parameters
    ----------
    origins : dates with features and outcomes, all outcomes known.
    horizon_days : length of the outcome; no fold learns from an outcome that was not over on its test date.
    tests : how many of the newest folds to judge on. ``metric`` : what decides, one of ``METRICS``.
    floor : a candidate (the base rate) whose log loss whoever serves must at least tie with, whatever the metric:
        scores that rank well may still be untrue as probabilities.
    champion : the candidate that serves now.

    The same customer occurs at several dates, so intervals are over customers. Raises ``NotEnoughData``
    where there is no fold, too few cases, or only one outcome among the held-out rows.
    """
    folds = cuts(origins, horizon_days, tests)
    judged = [_judged(fold.test, JUDGED_ROWS // len(folds), random_state) for fold in folds]
    y = np.concatenate([origin.y for origin in judged])
    if not 0 < y.sum() < len(y):
        raise NotEnoughData("outcomes to judge by", "cases of both kinds", f"{int(y.sum())} of {len(y)}")
    scores: dict[str, Floats] = {}
    failed: dict[str, str] = {}
    training = [stacked(fold.training, BACKTEST_ROWS, random_state) for fold in folds]
    # Numbers as floats once, and not for every candidate.
    floats = dict.fromkeys(numeric, "float64")
    training = [(frame.astype(floats), truth) for frame, truth in training]
    judged = [replace(origin, frame=origin.frame.astype(floats)) for origin in judged]
    fitted: dict[str, Candidate] = {}
    for candidate in candidates:
        if _is_mean_of(candidate, fitted):
            weights = dict(candidate.mean_of)
            scores[candidate.name] = np.average(
                [scores[name] for name in weights], axis=0, weights=list(weights.values())
            )
            continue
        try:
            parts = []
            for (frame, truth), origin in zip(training, judged, strict=True):
                model = ProbabilityModel(candidate, numeric, categorical, random_state)
                parts.append(model.fit(frame, truth, frame[CUSTOMER]).predict_proba(origin.frame))
            scores[candidate.name] = np.concatenate(parts)
            fitted[candidate.name] = candidate
        except NotEnoughData as error:
            failed[candidate.name] = str(error)
    if not scores:
        raise NotEnoughData(
            "cases to learn from before a test date", "20 of each kind", "; ".join(set(failed.values()))
        )
    customers = np.concatenate([origin.frame[CUSTOMER].to_numpy(dtype=object) for origin in judged])
    # As numbers, so that no resample need tell texts apart again.
    groups = pd.factorize(pd.Series(customers))[0]
    fold_of = np.repeat(np.arange(len(judged)), [len(origin.y) for origin in judged])
    # All on the same resamples, each drawn once.
    told = estimates(
        {
            _SEPARATOR.join((name, metric_name)): within_folds(kind, y, scored, fold_of)
            for name, scored in scores.items()
            for metric_name, kind in METRICS.items()
        },
        len(y),
        n_resamples=_FIGURES_RESAMPLES,
        random_state=random_state,
        groups=groups,
    )
    figures = {name: {one: told[_SEPARATOR.join((name, one))] for one in METRICS} for name in scores}
    found = Backtest(
        cuts=tuple(folds),
        y=y,
        customers=customers,
        as_of=np.concatenate([np.full(len(origin.y), origin.as_of, dtype=object) for origin in judged]),
        scores=scores,
        figures=figures,
        verdict=Verdict("", "", ""),
        failed=failed,
    )
    if floor in scores:
        for name, behind in _behind_floor(found, str(floor), fold_of, groups, random_state).items():
            if behind is not None and behind.high < 0:
                failed[name] = f"its log loss is worse than {floor}'s by {-behind.value:.4f}"
    standing = [candidate for candidate in candidates if candidate.name not in failed]
    return replace(found, verdict=_verdict(standing, found, fold_of, groups, metric, champion, random_state))


def _is_mean_of(candidate: Candidate, fitted: Mapping[str, Candidate]) -> bool:
    """Whether ``candidate`` is the mean of some that were fitted to the same columns, and need not be fitted itself."""
    parts = [fitted.get(name) for name, _ in candidate.mean_of]
    return bool(parts) and all(part is not None and part.features == candidate.features for part in parts)


def _behind_floor(
    found: Backtest, floor: str, fold_of: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], random_state: int
) -> dict[str, Estimate | None]:
    """By how much each candidate's log loss is better than that of ``floor``, on the same resamples."""
    losses = {
        name: within_folds(METRICS["log_loss"], found.y, scored, fold_of) for name, scored in found.scores.items()
    }

    def gained(name: str) -> Measure:
        return lambda weights: losses[floor](weights) - losses[name](weights)

    return estimates(
        {name: gained(name) for name in losses if name != floor},
        len(found.y),
        n_resamples=_FLOOR_RESAMPLES,
        random_state=random_state,
        groups=groups,
    )


def within_folds(metric: Metric, y: Floats, p: Floats, fold_of: npt.NDArray[np.int64]) -> Measure:
    """The metric of each fold's rows, averaged by the folds' weight.

    Pairs across folds would count otherwise: a date on which more happens has higher scores of every model, and
    the base rate alone would seem to rank customers.
    """
    parts = [np.flatnonzero(fold_of == fold) for fold in np.unique(fold_of)]
    measures = [metric.prepare(y[rows], p[rows]) for rows in parts]

    def measure(weights: Floats) -> float:
        total, told = 0.0, 0.0
        for rows, one in zip(parts, measures, strict=True):
            value = one(weights[rows])
            # A fold in which only one thing happened says nothing, and does not silence the others.
            if np.isfinite(value):
                told += float(weights[rows].sum())
                total += value * float(weights[rows].sum())
        return total / told if told else float("nan")

    return measure


def fit_winner(
    found: Backtest,
    origins: Sequence[Origin],
    candidates: Sequence[Candidate],
    numeric: Sequence[str],
    categorical: Sequence[str] = (),
    *,
    most_rows: int = 100_000,
    random_state: int = 42,
) -> ProbabilityModel:
    """The winner learned anew from every origin whose outcome is known: what serves from now on."""
    candidate = next(one for one in candidates if one.name == found.winner)
    frame, y = stacked(sorted(origins, key=lambda origin: origin.as_of), most_rows, random_state)
    return ProbabilityModel(candidate, numeric, categorical, random_state).fit(frame, y, frame[CUSTOMER])


def data_window(origins: Sequence[Origin], horizon_days: int) -> tuple[dt.date, dt.date]:
    """First day of any outcome, and the day after the last: what a model of these origins learned from."""
    days = [origin.as_of for origin in origins]
    return min(days), max(days) + dt.timedelta(days=horizon_days)


def _judged(origin: Origin, most_rows: int, random_state: int) -> Origin:
    frame, y = stacked([origin], most_rows, random_state)
    return Origin(origin.as_of, frame, y)


def _verdict(
    candidates: Sequence[Candidate],
    found: Backtest,
    fold_of: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    metric: str,
    champion: str | None,
    random_state: int,
) -> Verdict:
    y, chosen = found.y, METRICS[metric]
    sign = 1.0 if chosen.higher_is_better else -1.0
    standing = [candidate for candidate in candidates if candidate.name in found.scores]
    measures = {one.name: within_folds(chosen, y, found.scores[one.name], fold_of) for one in standing}
    values = {name: sign * measure(np.ones(len(y))) for name, measure in measures.items()}
    # Every model on the same resamples, each once: a comparison is then a difference of two columns.
    resamples = bootstrap_weights(len(y), n_resamples=_CONTEST_RESAMPLES, random_state=random_state, groups=groups)
    drawn = pd.DataFrame(
        [{name: sign * measure(weights) for name, measure in measures.items()} for weights in resamples]
    )

    def compare(new: str, old: str, level: float) -> Estimate | None:
        differences = (drawn[new] - drawn[old]).dropna()
        gained = values[new] - values[old]
        if not np.isfinite(gained) or differences.empty:
            return None
        low, high = percentile_interval(differences.to_numpy(), level)
        return Estimate(gained, min(low, gained), max(high, gained), len(y))

    contenders = [Contender(candidate.name, candidate.simplicity) for candidate in standing]
    return decide(contenders, values, compare, champion)

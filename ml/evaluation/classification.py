"""How good are probabilities: do they rank (AUC, average precision, lift), and are they true (Brier, calibration)?

Every measure takes labels and scores once and gives back a function of row weights (``resamples.Measure``),
so that a thousand resamples cost a thousand sums. Equal scores count as ties everywhere: no measure depends
on the order of rows.

Sources: J. Hanley and B. McNeil (1982), https://doi.org/10.1148/radiology.143.1.7063747 (AUC);
G. Brier (1950), https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2;
M. Pakdaman Naeini, G. Cooper, M. Hauskrecht (2015), https://doi.org/10.1609/aaai.v29i1.9602 (calibration error).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.intervals import Estimate, Floats
from ml.evaluation.resamples import Measure, estimates, gain

#: Scores are told apart to this many decimals: the last bits of a float must not break ties.
_DECIMALS = 12
_SMALLEST_PROBABILITY = 1e-6
_BINS = 10


class Metric(NamedTuple):
    """A measure of probabilities: what it is made of, and which way is better."""

    prepare: Callable[[Floats, Floats], Measure]
    higher_is_better: bool


def auc(y: Floats, p: Floats) -> Measure:
    """Chance that a positive scores above a negative, ties counted half; NaN with one class only."""
    order, starts = _groups(p)
    truth = y[order]

    def measure(weights: Floats) -> float:
        drawn = weights[order]
        positive = np.add.reduceat(drawn * truth, starts)
        negative = np.add.reduceat(drawn * (1 - truth), starts)
        pairs = positive.sum() * negative.sum()
        if pairs == 0:
            return float("nan")
        below = np.cumsum(negative) - negative
        return float((positive * (below + negative / 2)).sum() / pairs)

    return measure


def average_precision(y: Floats, p: Floats) -> Measure:
    """Precision averaged over the recall gained at each distinct score; NaN without a positive."""
    order, starts = _groups(-p)
    truth = y[order]

    def measure(weights: Floats) -> float:
        drawn = weights[order]
        found = np.add.reduceat(drawn * truth, starts)
        total = found.sum()
        if total == 0:
            return float("nan")
        taken = np.cumsum(np.add.reduceat(drawn, starts))
        precision = np.cumsum(found) / np.where(taken > 0, taken, 1)
        return float((precision * found).sum() / total)

    return measure


def brier(y: Floats, p: Floats) -> Measure:
    """Mean squared distance of the probability from what happened (0 or 1)."""
    return _mean((p - y) ** 2)


def log_loss(y: Floats, p: Floats) -> Measure:
    """Mean negative log-likelihood; probabilities are kept off 0 and 1 by a millionth."""
    safe = np.clip(p, _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    return _mean(-(y * np.log(safe) + (1 - y) * np.log(1 - safe)))


def lift_at(share: float) -> Callable[[Floats, Floats], Measure]:
    """Positives among the best ``share`` of rows over what a random choice finds; a tie at the edge counts in part."""

    def prepare(y: Floats, p: Floats) -> Measure:
        order, starts = _groups(-p)
        truth = y[order]

        def measure(weights: Floats) -> float:
            drawn = weights[order]
            rows = np.add.reduceat(drawn, starts)
            found = np.add.reduceat(drawn * truth, starts)
            if found.sum() == 0:
                return float("nan")
            wanted = share * rows.sum()
            before = np.cumsum(rows) - rows
            part = np.clip((wanted - before) / np.where(rows > 0, rows, 1), 0, 1)
            return float((part * found).sum() / found.sum() / share)

        return measure

    return prepare


def calibration_error(y: Floats, p: Floats) -> Measure:
    """Mean distance between stated and found share over ten bins of equal size (ECE)."""
    order, starts = _groups(p)
    # A tie stays in one bin, so bins are of groups and not of rows.
    sizes = np.diff(np.append(starts, len(order)))
    middle = np.cumsum(sizes) - sizes / 2
    group_bin = np.minimum((middle * _BINS / max(len(order), 1)).astype(int), _BINS - 1)
    member = np.empty(len(order), dtype=np.int64)
    member[order] = np.repeat(group_bin, sizes)
    residual = p - y

    def measure(weights: Floats) -> float:
        total = weights.sum()
        gaps = np.bincount(member, weights=weights * residual, minlength=_BINS)
        return float(np.abs(gaps).sum() / total) if total else float("nan")

    return measure


METRICS: dict[str, Metric] = {
    "auc": Metric(auc, True),
    "average_precision": Metric(average_precision, True),
    "lift_at_10pct": Metric(lift_at(0.10), True),
    "brier": Metric(brier, False),
    "log_loss": Metric(log_loss, False),
    "calibration_error": Metric(calibration_error, False),
}


def measure_probabilities(
    y: npt.ArrayLike,
    p: npt.ArrayLike,
    *,
    n_resamples: int = 500,
    level: float = 0.95,
    random_state: int = 42,
    groups: npt.ArrayLike | None = None,
) -> dict[str, Estimate | None]:
    """All of ``METRICS`` with their intervals.

    Parameters
    ----------
    y : shape ``(n,)``, 0 or 1. ``p`` : shape ``(n,)``, probabilities in [0, 1].
    groups : shape ``(n,)``, whose rows belong together (customers); see ``bootstrap_weights``.

    Raises ``ValueError`` where the shapes differ, a label is neither 0 nor 1, or a score is not in [0, 1].
    """
    truth, scores = checked(y, p)
    measures = {name: metric.prepare(truth, scores) for name, metric in METRICS.items()} if len(truth) else {}
    found = estimates(
        measures, len(truth), n_resamples=n_resamples, level=level, random_state=random_state, groups=groups
    )
    return {name: found.get(name) for name in METRICS}


def compare_probabilities(
    y: npt.ArrayLike,
    challenger: npt.ArrayLike,
    champion: npt.ArrayLike,
    metric: str = "auc",
    *,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int = 42,
    groups: npt.ArrayLike | None = None,
) -> Estimate | None:
    """Paired gain of ``challenger`` over ``champion`` in one of ``METRICS``; positive is better.

    Raises ``ValueError`` as :func:`measure_probabilities` does, ``KeyError`` for an unknown metric.
    """
    prepare, higher_is_better = METRICS[metric]
    truth, new = checked(y, challenger)
    _, old = checked(y, champion)
    if not len(truth):
        return None
    return gain(
        prepare(truth, new),
        prepare(truth, old),
        len(truth),
        higher_is_better=higher_is_better,
        n_resamples=n_resamples,
        level=level,
        random_state=random_state,
        groups=groups,
    )


def reliability(y: npt.ArrayLike, p: npt.ArrayLike, bins: int = _BINS) -> pd.DataFrame:
    """The reliability plot's table: per bin of equal size ``rows``, mean ``stated`` and mean ``found``."""
    truth, scores = checked(y, p)
    ranks = pd.Series(np.round(scores, _DECIMALS)).rank(method="average").to_numpy()
    bin_of = np.minimum(((ranks - 0.5) * bins / max(len(ranks), 1)).astype(int), bins - 1)
    table = pd.DataFrame({"bin": bin_of, "stated": scores, "found": truth})
    grouped = table.groupby("bin", sort=True)
    return grouped.agg(rows=("found", "size"), stated=("stated", "mean"), found=("found", "mean")).reset_index()


def lift_curve(y: npt.ArrayLike, p: npt.ArrayLike, points: int = 20) -> pd.DataFrame:
    """The lift plot's table: ``share`` of customers taken, best first, and the share of positives ``found``."""
    truth, scores = checked(y, p)
    shares = np.arange(1, points + 1) / points
    ones = np.ones(len(truth))
    found = [lift_at(share)(truth, scores)(ones) * share for share in shares] if len(truth) else [np.nan] * points
    return pd.DataFrame({"share": shares, "found": found})


def checked(y: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Labels and probabilities as arrays of floats; raises ``ValueError`` where they are not that."""
    truth, scores = np.asarray(y, dtype=float), np.asarray(p, dtype=float)
    if truth.ndim != 1 or truth.shape != scores.shape:
        raise ValueError(f"y, p: expected two lists of one length, got shapes {truth.shape} and {scores.shape}")
    if not np.isin(truth, (0.0, 1.0)).all():
        raise ValueError("y: expected labels 0 and 1 only")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("p: expected probabilities between 0 and 1, none of them unknown")
    return truth, scores


def _groups(key: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows in ascending order of ``key``, and where each run of equal keys begins in that order."""
    rounded = np.round(key, _DECIMALS)
    order = np.argsort(rounded, kind="stable")
    ordered = rounded[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return order, starts


def _mean(losses: Floats) -> Measure:
    def measure(weights: Floats) -> float:
        total = weights.sum()
        return float((weights * losses).sum() / total) if total else float("nan")

    return measure

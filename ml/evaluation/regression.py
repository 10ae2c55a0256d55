"""How good are predicted amounts or counts: measures with bootstrap intervals, and which of two models is better.

Sources: B. Efron, R. Tibshirani, *An Introduction to the Bootstrap* (1993); T. Gneiting, "Making and evaluating
point forecasts" (2011), https://doi.org/10.1198/jasa.2011.r10138 (squared error and Tweedie deviances are least
for the true mean; absolute error is least for the median, which is 0 where most customers buy nothing).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from ml.evaluation.clustering import sample_rows
from ml.evaluation.intervals import Estimate, Floats, percentile_interval

#: More observations than this are sampled for the intervals' draws; the figures themselves are of all.
DRAWN_ROWS = 20_000
_DRAWS_AT_A_TIME = 50


def resampled_means(columns: Floats, *, n_resamples: int, random_state: int) -> Floats:
    """Means of ``columns`` (shape ``(n, k)``) in bootstrap samples of rows: shape ``(n_resamples, k)``.

    Rows are drawn by how often each occurs, so a resample costs one product. Above ``DRAWN_ROWS`` rows a
    seeded sample of them is drawn from and the spread around the means brought to that of ``n`` rows.
    """
    n = len(columns)
    rows = columns[sample_rows(n, DRAWN_ROWS, random_state)]
    generator = np.random.default_rng(random_state)
    size = len(rows)
    means = np.empty((n_resamples, columns.shape[1]))
    for start in range(0, n_resamples, _DRAWS_AT_A_TIME):
        stop = min(start + _DRAWS_AT_A_TIME, n_resamples)
        counts = np.stack([np.bincount(generator.integers(0, size, size), minlength=size) for _ in range(start, stop)])
        means[start:stop] = counts.astype(float) @ rows / size
    if size < n:
        means = columns.mean(axis=0) + (means - rows.mean(axis=0)) * np.sqrt(size / n)
    return means


def regression_measures(
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    n_resamples: int = 500,
    level: float = 0.95,
    random_state: int = 42,
) -> dict[str, Estimate | None]:
    """Measures of ``predicted`` against ``actual`` (both of shape ``(n,)``, same unit), with intervals.

    ``rmse`` and ``mae`` (that unit), ``spearman`` (rank correlation, ties at their mean rank; its interval
    keeps the ranks of all rows), ``bias_ratio`` (sum predicted / sum actual, 1 is right), ``tweedie_deviance``
    (see :func:`tweedie_loss`). A measure that is not defined, such as the rank correlation of a constant, is
    ``None``.

    Raises ``ValueError`` for no rows, unequal lengths, or numbers that are not finite.
    """
    truth, guess = _pairs(actual, predicted)
    error = guess - truth
    ranks = [rankdata(values) / len(values) for values in (truth, guess)]
    products = [ranks[0] * ranks[1], ranks[0] ** 2, ranks[1] ** 2]
    deviance = tweedie_loss(truth, guess)
    columns = np.column_stack([error**2, np.abs(error), truth, guess, *ranks, *products, deviance])
    draws = resampled_means(columns, n_resamples=n_resamples, random_state=random_state)
    at = columns.mean(axis=0)[None, :]
    n = len(truth)
    return {
        "rmse": _estimate(np.sqrt(np.maximum(at[:, 0], 0)), np.sqrt(np.maximum(draws[:, 0], 0)), n, level),
        "mae": _estimate(at[:, 1], draws[:, 1], n, level),
        "spearman": _estimate(_correlation(at), _correlation(draws), n, level),
        "bias_ratio": _estimate(_ratio(at), _ratio(draws), n, level),
        "tweedie_deviance": _estimate(at[:, 9], draws[:, 9], n, level),
    }


def squared_error(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> Floats:
    """Loss per row, shape ``(n,)``: least for the mean, and ruled by the few greatest amounts."""
    truth, guess = _pairs(actual, predicted)
    return (guess - truth) ** 2


def tweedie_loss(actual: npt.ArrayLike, predicted: npt.ArrayLike, power: float = 1.5) -> Floats:
    """Deviance per row, shape ``(n,)``, of amounts that are 0 or skewed: least for the mean, like squared error.

    It weighs an error by the size of what was predicted, so that a handful of great customers does not
    decide alone. Amounts below 0 (more taken back than bought) count as 0; predictions have a floor of a
    hundredth of the mean amount, as a deviance from 0 is infinite. ``1 < power < 2``.
    """
    if not 1 < power < 2:
        raise ValueError(f"power: expected a number between 1 and 2, got {power}")
    truth, guess = _pairs(actual, predicted)
    truth = np.maximum(truth, 0.0)
    floor = max(float(truth.mean()) / 100, np.finfo(float).tiny)
    guess = np.maximum(guess, floor)
    loss: Floats = 2 * (
        truth ** (2 - power) / ((1 - power) * (2 - power))
        - truth * guess ** (1 - power) / (1 - power)
        + guess ** (2 - power) / (2 - power)
    )
    return loss


def mean_difference(
    challenger_loss: Floats,
    champion_loss: Floats,
    *,
    n_resamples: int = 500,
    level: float = 0.95,
    random_state: int = 42,
    groups: npt.ArrayLike | None = None,
) -> Estimate:
    """Mean of challenger's less champion's loss on the same rows; below 0 with its interval is a clear win.

    With ``groups`` (shape ``(n,)``) whole groups are drawn: rows of one customer at several dates are not independent.
    """
    difference = np.asarray(challenger_loss, dtype=float) - np.asarray(champion_loss, dtype=float)
    if difference.ndim != 1 or difference.size == 0:
        raise ValueError(f"losses: expected two non-empty lists of one length, got shape {difference.shape}")
    drawn = difference
    if groups is not None:
        _, member = np.unique(np.asarray(groups), return_inverse=True)
        sums = np.bincount(member, weights=difference)
        # scaled so that their mean is that of the rows
        drawn = sums * len(sums) / len(difference)
    draws = resampled_means(drawn[:, None], n_resamples=n_resamples, random_state=random_state)
    low, high = percentile_interval(draws[:, 0], level)
    return Estimate(float(difference.mean()), low, high, len(difference))


def _pairs(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Floats, Floats]:
    truth, guess = np.asarray(actual, dtype=float), np.asarray(predicted, dtype=float)
    if truth.ndim != 1 or truth.shape != guess.shape or truth.size == 0:
        raise ValueError(
            f"actual, predicted: expected two non-empty lists of one length, got {truth.shape}, {guess.shape}"
        )
    if not (np.isfinite(truth).all() and np.isfinite(guess).all()):
        raise ValueError("actual, predicted: expected finite numbers")
    return truth, guess


def _ratio(means: Floats) -> Floats:
    ratio: Floats = np.divide(means[:, 3], means[:, 2], out=np.full(len(means), np.nan), where=means[:, 2] > 0)
    return ratio


def _correlation(means: Floats) -> Floats:
    a, b, ab, aa, bb = means[:, 4:9].T
    spreads = [aa - a**2, bb - b**2]
    # the spread of equal ranks is rounding error, not always exactly zero
    defined = np.minimum(*spreads) > 1e-12
    spread = np.sqrt(np.where(defined, spreads[0] * spreads[1], 1.0))
    correlation: Floats = np.divide(ab - a * b, spread, out=np.full(len(means), np.nan), where=defined)
    return np.clip(correlation, -1.0, 1.0)


def _estimate(value: Floats, draws: Floats, n: int, level: float) -> Estimate | None:
    known = draws[np.isfinite(draws)]
    if not np.isfinite(value[0]) or not known.size:
        return None
    low, high = percentile_interval(known, level)
    # of two or three rows the draws may all lie on one side of the figure
    return Estimate(float(value[0]), min(low, float(value[0])), max(high, float(value[0])), n)

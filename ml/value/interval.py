"""How far from the expected value may the true one lie: split conformal intervals within bins of the prediction.

Of customers expected to spend little most spend nothing, of great ones some spend thrice as much: one width for
all, or one multiple, would be wrong for both. So customers are sorted into bins by what is expected of
them, and in each bin the interval is a range of multiples actual / expected that was seen for held-out rows.

Source: V. Vovk, "Conditional validity of inductive conformal predictors" (2012),
https://proceedings.mlr.press/v25/vovk12.html (Mondrian predictors; the coverage of each bin is at least
``level`` for rows exchangeable with the calibration rows; time is not, so the coverage is also measured).
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from ml.evaluation.enough import NotEnoughData
from ml.value.histories import Floats


class ConformalInterval:
    """Learns from predictions for rows that the model had not seen, and what came.

    Learned: ``edges_`` (shape ``(bins - 1,)``, the upper ends of all bins but the last), ``low_``, ``high_``
    (shape ``(bins,)``, multiples of the prediction), ``floor_`` (predictions below count as this).
    """

    def __init__(self, level: float = 0.9, most_bins: int = 20, fewest_rows: int = 100) -> None:
        self.level = level
        self.most_bins = most_bins
        self.fewest_rows = fewest_rows

    def fit(self, actual: npt.ArrayLike, predicted: npt.ArrayLike) -> Self:
        """``actual``, ``predicted`` : shape ``(n,)``, finite, predictions of 0 or more.

        Raises ``NotEnoughData`` below the number of rows at which ``level`` can be told at all.
        """
        truth, guess = np.asarray(actual, dtype=float), np.asarray(predicted, dtype=float)
        tail = (1 - self.level) / 2
        fewest = int(np.ceil(round(1 / tail, 6)))
        if len(truth) < fewest:
            raise NotEnoughData(
                f"intervals of level {self.level}", f"{fewest} customers of known outcome", str(len(truth))
            )
        # of predictions of nothing no multiple can be told: they count as a thousandth of what is usual
        self.floor_ = 1e-3 * max(float(guess.mean()), float(np.abs(truth).mean())) or 1.0
        bins = max(1, min(self.most_bins, len(truth) // max(self.fewest_rows, fewest)))
        inner = np.quantile(guess, np.arange(1, bins) / bins)
        # equal predictions belong together: a bin that they fill swallows its neighbours
        self.edges_ = np.unique(inner[inner < guess.max()])
        which = self._bins(guess)
        filled = np.bincount(which, minlength=len(self.edges_) + 1) >= fewest
        if not filled.all():
            self.edges_ = np.empty(0)
            which = self._bins(guess)
        multiple = truth / np.maximum(guess, self.floor_)
        ranges = [_range(np.sort(multiple[which == b]), self.level) for b in range(len(self.edges_) + 1)]
        self.low_, self.high_ = (np.array(side) for side in zip(*ranges, strict=True))
        return self

    def predict(self, predicted: npt.ArrayLike) -> tuple[Floats, Floats]:
        """``(low, high)``, each of shape ``(n,)``, NaN where the prediction is.

        The prediction itself always lies inside: where nineteen of twenty spend nothing the range of outcomes
        is (0, 0), and the expected value, their mean, is above it.
        """
        guess = np.asarray(predicted, dtype=float)
        which = self._bins(guess)
        scale = np.maximum(guess, self.floor_)
        low = np.where(np.isnan(guess), np.nan, np.minimum(self.low_[which] * scale, guess))
        high = np.where(np.isnan(guess), np.nan, np.maximum(self.high_[which] * scale, guess))
        return low, high

    def _bins(self, predicted: Floats) -> npt.NDArray[np.int64]:
        return np.minimum(np.searchsorted(self.edges_, predicted, side="left"), len(self.edges_))


def _range(multiples: Floats, level: float) -> tuple[float, float]:
    """The order statistics that hold a new row between them with probability ``level`` (ascending input).

    As much is left out above as below, except where outcomes pile up at the lower end (nothing spent): what cannot
    be left out there is left out above, or the interval would hold more than it says.
    """
    n = len(multiples)
    low = multiples[max(int(np.floor((n + 1) * (1 - level) / 2)) - 1, 0)]
    below = int(np.searchsorted(multiples, low, side="left"))
    high = below + int(np.ceil((n + 1) * level))
    return float(low), float(multiples[min(high, n - 1)])

"""Purchase histories as the buy-till-you-die models want them, and the search for their parameters.

A history is three numbers (Schmittlein, Morrison, Colombo 1987): ``x`` repeat purchases, the last of them
``t_x`` after the first purchase, watched for ``T`` since the first purchase; times in any one unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ml.evaluation.enough import NotEnoughData

Floats = npt.NDArray[np.float64]
#: Parameters to (log-likelihood, its gradient by the parameters).
Likelihood = Callable[[Floats], tuple[float, Floats]]

#: Four parameters cannot be told from fewer customers, or from fewer who came back.
FEWEST_CUSTOMERS = 50
FEWEST_REPEATERS = 10
#: Parameters stay within this range (times are scaled to a mean of 1): past it the model is at a limit such
#: as "nobody ever leaves", and a search without bounds would walk on for ever.
SMALLEST, GREATEST = 1e-5, 1e5
#: A search that stops with a steeper slope than this per customer has not found the top.
_STEEPEST = 1e-3


@dataclass(frozen=True)
class Histories:
    """Distinct histories with how often each occurs: all of shape ``(distinct,)``.

    ``rows`` (shape ``(customers,)``) says which of them each customer has.
    """

    x: Floats
    t_x: Floats
    T: Floats
    counts: Floats
    rows: npt.NDArray[np.int64]

    def scaled(self, unit: float) -> Histories:
        """The same with times in multiples of ``unit``."""
        return Histories(self.x, self.t_x / unit, self.T / unit, self.counts, self.rows)


def distinct_histories(frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike) -> Histories:
    """Check and group histories; each argument has shape ``(customers,)`` or is one number.

    Raises ``ValueError`` unless all are finite, ``frequency`` is a whole number of at least 0,
    ``0 <= recency <= T``, and ``recency`` is 0 where ``frequency`` is.
    """
    x, t_x, age = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(values, dtype=float)) for values in (frequency, recency, T))
    )
    for name, values in (("frequency", x), ("recency", t_x), ("T", age)):
        if values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError(f"{name}: expected a list of finite numbers, got shape {values.shape} with others in it")
    if ((x < 0) | (x != np.floor(x))).any():
        raise ValueError("frequency: expected whole numbers of 0 or more (repeat purchases)")
    if ((t_x < 0) | (t_x > age)).any():
        raise ValueError("recency: expected 0 <= recency <= T")
    if ((x == 0) & (t_x > 0)).any():
        raise ValueError("recency: expected 0 where frequency is 0 (no purchase after the first)")
    distinct, rows, counts = np.unique(np.column_stack([x, t_x, age]), axis=0, return_inverse=True, return_counts=True)
    return Histories(distinct[:, 0], distinct[:, 1], distinct[:, 2], counts.astype(float), rows.reshape(-1))


def require_repeat_buying(model: str, histories: Histories) -> float:
    """The time unit to search in, the mean ``T``; raises ``NotEnoughData`` where histories say too little."""
    customers = int(histories.counts.sum())
    if customers < FEWEST_CUSTOMERS:
        raise NotEnoughData(model, f"{FEWEST_CUSTOMERS} customers", str(customers))
    repeaters = int(histories.counts[histories.x > 0].sum())
    if repeaters < FEWEST_REPEATERS:
        raise NotEnoughData(model, f"{FEWEST_REPEATERS} customers who bought again", str(repeaters))
    unit = float(np.average(histories.T, weights=histories.counts))
    if unit <= 0:
        raise NotEnoughData(model, "time after the first purchase", "none (T is 0 for everyone)")
    return unit


def maximise(model: str, likelihood: Likelihood, starts: Sequence[Sequence[float]], n: float) -> tuple[Floats, float]:
    """Parameters of the greatest likelihood, and its logarithm, by L-BFGS-B on their logarithms.

    ``n`` customers stand behind ``likelihood``, which is divided by it so that tolerances mean the same in
    any shop. The later ``starts`` are for where the search from an earlier one is lost; raises ``NotEnoughData``
    where none leads to a top.
    """

    def falling(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = likelihood(parameters)
        return -value / n, -gradient * parameters / n

    limits = (np.log(SMALLEST), np.log(GREATEST))
    for start in starts:
        found = minimize(
            falling,
            np.log(start),
            jac=True,
            method="L-BFGS-B",
            bounds=[limits] * len(start),
            options={"maxiter": 500, "maxfun": 1000, "ftol": 1e-13, "gtol": 1e-8},
        )
        # at a bound the slope may point outwards: what counts is the step that the bounds allow
        step = np.clip(found.x - found.jac, *limits) - found.x
        if np.isfinite(found.fun) and np.abs(step).max() <= _STEEPEST:
            return np.exp(found.x), float(-found.fun * n)
    raise NotEnoughData(model, "histories that single out its parameters", "none of the searches came to a top")

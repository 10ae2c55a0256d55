"""Pareto/NBD: how often will a customer buy again, when they may leave at any moment.

While alive a customer buys at a Poisson rate lambda; the time until they leave is exponential with rate mu;
lambda differs between customers as Gamma(r, alpha), mu as Gamma(s, beta).

Sources: D. Schmittlein, D. Morrison, R. Colombo, "Counting your customers: who are they and what will they do
next?", Management Science 33 (1987), https://doi.org/10.1287/mnsc.33.1.1; P. Fader, B. Hardie, "A note on
deriving the Pareto/NBD model and related expressions" (2005), http://brucehardie.com/notes/009/.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, exprel, gammaln

from ml.value.histories import Floats, Histories, distinct_histories, maximise, require_repeat_buying

#: Nodes of the integral over the moment of leaving, and how many rows are computed at a time.
_NODES = 65
_ROWS = 4096


class ParetoNBD:
    """The Pareto/NBD model, scikit-learn style.

    ``fit`` learns ``r_``, ``alpha_``, ``s_``, ``beta_`` (``alpha_`` and ``beta_`` in the unit of the times given)
    and ``log_likelihood_``. Predictions take histories ``frequency``, ``recency``, ``T`` (shape ``(n,)``; see
    ``ml.value.histories``) and give shape ``(n,)``.
    """

    def fit(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike) -> ParetoNBD:
        """Maximum likelihood; raises ``ValueError`` for broken histories and ``NotEnoughData`` for too few."""
        histories = distinct_histories(frequency, recency, T)
        unit = require_repeat_buying("Pareto/NBD", histories)
        scaled = histories.scaled(unit)
        parameters, top = maximise(
            "Pareto/NBD",
            lambda candidate: _log_likelihood(candidate, scaled),
            ((1.0, 1.0, 1.0, 1.0), (0.5, 0.3, 0.5, 0.3)),
            float(histories.counts.sum()),
        )
        self.r_, alpha, self.s_, beta = (float(value) for value in parameters)
        self.alpha_, self.beta_ = alpha * unit, beta * unit
        self.log_likelihood_ = top - float(histories.counts @ histories.x) * float(np.log(unit))
        return self

    def expected_purchases(
        self, t: float, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike
    ) -> Floats:
        """Purchases expected in the time ``t`` after ``T``, given the history (note 009, equation 41)."""
        histories = distinct_histories(frequency, recency, T)
        rate = (self.r_ + histories.x) / (self.alpha_ + histories.T)
        expected = self._alive(histories) * rate * self._time_alive(t, self.beta_ + histories.T)
        return expected[histories.rows]

    def probability_alive(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike) -> Floats:
        """P(not gone at ``T``)."""
        histories = distinct_histories(frequency, recency, T)
        return self._alive(histories)[histories.rows]

    def probability_no_purchase(
        self, t: float, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike
    ) -> Floats:
        """P(no purchase in the time ``t`` after ``T``): gone, or alive and then leaving or waiting without one.

        For someone alive at ``T`` the last two are the two terms of the likelihood, once more, from ``T`` on.
        """
        histories = distinct_histories(frequency, recency, T)
        x, age = histories.x, histories.T
        silent = np.exp(-(self.r_ + x) * np.log1p(t / (self.alpha_ + age)) - self.s_ * np.log1p(t / (self.beta_ + age)))
        now = -(self.r_ + x) * np.log(self.alpha_ + age) - self.s_ * np.log(self.beta_ + age)
        for rows in _slices(len(x)):
            leaving = _leaving(self._parameters(), x[rows], age[rows], age[rows] + t)
            silent[rows] += np.exp(leaving.log_mass - now[rows])
        waits: Floats = 1 - self._alive(histories) * (1 - np.minimum(silent, 1.0))
        return waits[histories.rows]

    def expected_total(self, t: npt.ArrayLike) -> Floats:
        """Repeat purchases expected of a new customer in the time ``t`` after the first (note 009, equation 27)."""
        times = np.atleast_1d(np.asarray(t, dtype=float))
        return self.r_ / self.alpha_ * self._time_alive(times, np.full_like(times, self.beta_))

    def _parameters(self) -> Floats:
        return np.array([self.r_, self.alpha_, self.s_, self.beta_])

    def _time_alive(self, t: npt.ArrayLike, beta: Floats) -> Floats:
        """Expected part of the next ``t`` that someone alive now lives: finite at s = 1 as elsewhere."""
        length = np.log1p(np.asarray(t, dtype=float) / beta)
        lived: Floats = beta * length * exprel((1 - self.s_) * length)
        return lived

    def _alive(self, histories: Histories) -> Floats:
        alive = np.empty(len(histories.x))
        for rows in _slices(len(alive)):
            stays, leaving = _terms(self._parameters(), histories.x[rows], histories.t_x[rows], histories.T[rows])
            alive[rows] = np.exp(stays - np.logaddexp(stays, leaving.log_mass))
        return alive


class _Leaving(NamedTuple):
    """Log of the integral, and means under its integrand of ln and 1/ of (alpha + moment), (beta + moment)."""

    log_mass: Floats
    log_alpha: Floats
    log_beta: Floats
    over_alpha: Floats
    over_beta: Floats


def _slices(n: int) -> list[slice]:
    return [slice(start, start + _ROWS) for start in range(0, n, _ROWS)]


def _nodes() -> tuple[Floats, Floats]:
    """Distance from the left end and log weight of tanh-sinh quadrature on (0, 1), ascending.

    Nodes crowd at both ends, where the integrand is steep for frequent buyers and for tiny parameters.
    """
    u, h = np.linspace(-3.2, 3.2, _NODES, retstep=True)
    v = np.pi * np.sinh(u)
    left = np.exp(-np.logaddexp(0, -v))
    return left, np.log(h * np.pi * np.cosh(u)) - np.logaddexp(0, -v) - np.logaddexp(0, v)


_LEFT, _LOG_WEIGHT = _nodes()


def _leaving(parameters: Floats, x: Floats, begin: Floats, end: Floats) -> _Leaving:
    """Integral over the moment of leaving in (begin, end) of s (alpha + m)^-(r + x) (beta + m)^-(s + 1) dm.

    The published likelihood writes it with two hypergeometric functions and a case for alpha < beta; the
    integral itself is positive and smooth and stays accurate for thousands of purchases.
    """
    r, alpha, s, beta = parameters
    length = end - begin
    moment = begin[:, None] + length[:, None] * _LEFT
    by_alpha, by_beta = alpha + moment, beta + moment
    log_alpha, log_beta = np.log(by_alpha), np.log(by_beta)
    log_length = np.log(np.where(length > 0, length, 1.0))
    logs = _LOG_WEIGHT - (r + x)[:, None] * log_alpha - (s + 1) * log_beta
    greatest = logs.max(axis=1, keepdims=True)
    weights = np.exp(logs - greatest)
    total = weights.sum(axis=1)
    mass = np.where(length > 0, np.log(s) + log_length + greatest[:, 0] + np.log(total), -np.inf)
    weights /= total[:, None]
    means = ((weights * values).sum(axis=1) for values in (log_alpha, log_beta, 1 / by_alpha, 1 / by_beta))
    return _Leaving(mass, *means)


def _terms(parameters: Floats, x: Floats, t_x: Floats, T: Floats) -> tuple[Floats, _Leaving]:
    """The likelihood's two ways to a history, up to a shared factor: alive at ``T``, or gone before."""
    r, alpha, s, beta = parameters
    return -(r + x) * np.log(alpha + T) - s * np.log(beta + T), _leaving(parameters, x, t_x, T)


def _log_likelihood(parameters: Floats, histories: Histories) -> tuple[float, Floats]:
    """Sum over customers of ln L and its gradient by (r, alpha, s, beta)."""
    r, alpha, s, beta = parameters
    total, gradient = 0.0, np.zeros(4)
    for rows in _slices(len(histories.x)):
        x, T, n = histories.x[rows], histories.T[rows], histories.counts[rows]
        stays, leaving = _terms(parameters, x, histories.t_x[rows], T)
        either = np.logaddexp(stays, leaving.log_mass)
        gone = np.exp(leaving.log_mass - either)
        kept = 1 - gone
        value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + either
        by_r = digamma(r + x) - digamma(r) + np.log(alpha) - kept * np.log(alpha + T) - gone * leaving.log_alpha
        by_alpha = r / alpha - (r + x) * (kept / (alpha + T) + gone * leaving.over_alpha)
        by_s = np.log(beta) - kept * np.log(beta + T) + gone * (1 / s - leaving.log_beta)
        by_beta = s / beta - kept * s / (beta + T) - gone * (s + 1) * leaving.over_beta
        total += float(n @ value)
        gradient += np.array([n @ by_r, n @ by_alpha, n @ by_s, n @ by_beta])
    return total, gradient

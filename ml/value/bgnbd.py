"""BG/NBD: how often will a customer buy again, when each purchase may be the last.

While alive a customer buys at a Poisson rate lambda, and leaves after any repeat purchase with probability p;
lambda differs between customers as Gamma(r, alpha), p as Beta(a, b).

Sources: P. Fader, B. Hardie, K. Lee, "'Counting your customers' the easy way: an alternative to the
Pareto/NBD model", Marketing Science 24 (2005), https://doi.org/10.1287/mksc.1040.0098 (equations by number
below); P. Fader, B. Hardie, "Overcoming the BG/NBD model's #NUM! error problem" (2013),
http://brucehardie.com/notes/027/ (the likelihood in logarithms).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, digamma, gammaln

from ml.value.histories import Floats, Histories, distinct_histories, maximise, require_repeat_buying

#: Nodes of the integral over p, and how many rows are computed at a time.
_NODES = 256
_ROWS = 2048


class BGNBD:
    """The BG/NBD model, scikit-learn style.

    ``fit`` learns ``r_``, ``alpha_`` (in the unit of the times given), ``a_``, ``b_`` and ``log_likelihood_``
    (natural logarithm, all customers, as published). Predictions take histories ``frequency``, ``recency``,
    ``T`` (shape ``(n,)``; see ``ml.value.histories``) and give shape ``(n,)``.
    """

    def fit(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike) -> BGNBD:
        """Maximum likelihood; raises ``ValueError`` for broken histories and ``NotEnoughData`` for too few."""
        histories = distinct_histories(frequency, recency, T)
        unit = require_repeat_buying("BG/NBD", histories)
        scaled = histories.scaled(unit)
        parameters, top = maximise(
            "BG/NBD",
            lambda candidate: _log_likelihood(candidate, scaled),
            ((1.0, 1.0, 1.0, 1.0), (0.3, 0.3, 0.5, 3.0)),
            float(histories.counts.sum()),
        )
        self.r_, alpha, self.a_, self.b_ = (float(value) for value in parameters)
        self.alpha_ = alpha * unit
        # a density of purchase times per unit becomes one per the caller's unit
        self.log_likelihood_ = top - float(histories.counts @ histories.x) * float(np.log(unit))
        return self

    def expected_purchases(
        self, t: float, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike
    ) -> Floats:
        """Purchases expected in the time ``t`` after ``T``, given the history (equation 10)."""
        histories = distinct_histories(frequency, recency, T)
        return (self._alive(histories) * self._purchases_if_alive(t, histories.x, histories.T))[histories.rows]

    def probability_alive(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike) -> Floats:
        """P(not gone at ``T``). It is 1 for one-time buyers by construction, so it is no churn score."""
        histories = distinct_histories(frequency, recency, T)
        return self._alive(histories)[histories.rows]

    def probability_no_purchase(
        self, t: float, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike
    ) -> Floats:
        """P(no purchase in the time ``t`` after ``T``): gone, or alive and waiting longer. Exact."""
        histories = distinct_histories(frequency, recency, T)
        buys = -np.expm1(-(self.r_ + histories.x) * np.log1p(t / (self.alpha_ + histories.T)))
        silent: Floats = 1 - self._alive(histories) * buys
        return silent[histories.rows]

    def expected_total(self, t: npt.ArrayLike) -> Floats:
        """Repeat purchases expected of a new customer in the time ``t`` after the first (equation 9)."""
        times = np.atleast_1d(np.asarray(t, dtype=float))
        return self._purchases_if_alive(times, np.zeros_like(times), np.zeros_like(times))

    def _alive(self, histories: Histories) -> Floats:
        x, again = histories.x, histories.x > 0
        # beyond x = 0, where nobody has had a chance to leave; the largest exponent keeps exp finite
        odds = np.log(self.a_) - np.log(self.b_ + np.maximum(x, 1) - 1)
        odds = odds + (self.r_ + x) * np.log((self.alpha_ + histories.T) / (self.alpha_ + histories.t_x))
        gone = np.where(again, np.exp(np.minimum(odds, 700.0)), 0.0)
        alive: Floats = 1 / (1 + gone)
        return alive

    def _purchases_if_alive(self, t: npt.ArrayLike, x: Floats, T: Floats) -> Floats:
        """E[Y(t) | alive at T] = E[(1 - (1 + p t / (alpha + T))^-(r + x)) / p], p ~ Beta(a, b + x).

        The published form has a Gaussian hypergeometric function, which loses all digits for large ``x`` and
        divides by ``a - 1``; this integral has neither fault. Its integrand ``h`` is smooth in p, so the
        trapezoid rule on logit(p) converges exponentially once the line through ``h(0)`` and ``h(1)``, whose
        mean is known, has been taken off to make both tails vanish.
        """
        out = np.empty(len(x))
        times = np.broadcast_to(np.asarray(t, dtype=float), x.shape)
        for start in range(0, len(x), _ROWS):
            rows = slice(start, start + _ROWS)
            b = (self.b_ + x[rows])[:, None]
            tau = (times[rows] / (self.alpha_ + T[rows]))[:, None]
            power = (self.r_ + x[rows])[:, None]
            spread = 9 / np.sqrt(self.a_ * b / (self.a_ + b) + 1)
            left, right = 40 / (1 + self.a_) + spread, 40 / (1 + b) + spread
            logit = np.log(self.a_ / b) - left + (left + right) * np.linspace(0, 1, _NODES)
            log_p, log_q = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
            p = np.exp(log_p)
            density = np.exp(self.a_ * log_p + b * log_q - betaln(self.a_, b)) * (left + right) / (_NODES - 1)
            h = -np.expm1(-power * np.log1p(p * tau)) / np.maximum(p, np.finfo(float).tiny)
            at_0, at_1 = power * tau, -np.expm1(-power * np.log1p(tau))
            line = at_0 * np.exp(log_q) + at_1 * p
            mean = self.a_ / (self.a_ + b)
            whole = at_0 * (1 - mean) + at_1 * mean + (density * (h - line)).sum(axis=1, keepdims=True)
            out[rows] = np.clip(whole, at_1, at_0)[:, 0]
        return out


def _log_likelihood(parameters: Floats, histories: Histories) -> tuple[float, Floats]:
    """Sum over customers of ln L (equation 6 in logarithms) and its gradient by (r, alpha, a, b)."""
    r, alpha, a, b = parameters
    x, n = histories.x, histories.counts
    to_end, to_last = np.log(alpha + histories.T), np.log(alpha + histories.t_x)
    before = b + np.maximum(x, 1) - 1
    stays = -(r + x) * to_end
    leaves = np.where(x > 0, np.log(a / before) - (r + x) * to_last, -np.inf)
    either = np.logaddexp(stays, leaves)
    gone = np.exp(leaves - either)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b) + either
    by_r = digamma(r + x) - digamma(r) + np.log(alpha) - (1 - gone) * to_end - gone * to_last
    by_alpha = r / alpha - (r + x) * ((1 - gone) / (alpha + histories.T) + gone / (alpha + histories.t_x))
    by_a = digamma(a + b) - digamma(a + b + x) + gone / a
    by_b = digamma(b + x) - digamma(b) + digamma(a + b) - digamma(a + b + x) - gone / before
    return float(n @ value), np.array([n @ by_r, n @ by_alpha, n @ by_a, n @ by_b])

"""Gamma-Gamma: what does a customer spend per purchase, when a few purchases are all that is known of them.

Amounts of a customer are Gamma(p, nu) with mean p / nu; nu differs between customers as Gamma(q, v). It
assumes that what is spent does not hang on how often.

Source: P. Fader, B. Hardie, "The Gamma-Gamma model of monetary value" (2013),
http://brucehardie.com/notes/025/.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

from ml.evaluation.enough import NotEnoughData
from ml.value.histories import FEWEST_CUSTOMERS, FEWEST_REPEATERS, Floats, maximise


class GammaGamma:
    """The Gamma-Gamma model, scikit-learn style.

    ``fit`` learns ``p_``, ``q_``, ``v_`` (in the unit of the amounts given) and ``log_likelihood_``. ``q_`` stays
    above 1: below, the mean spend of customers would be infinite.
    """

    def fit(self, purchases: npt.ArrayLike, mean_amount: npt.ArrayLike) -> GammaGamma:
        """Maximum likelihood (equation 1a of the source).

        Parameters
        ----------
        purchases : shape ``(n,)``, how many purchases the mean is of, at least 1.
        mean_amount : shape ``(n,)``, a customer's mean amount per purchase, above 0.

        Raises ``ValueError`` for other input, ``NotEnoughData`` for too few customers, or too few with more
        than one purchase (how much amounts vary within a customer cannot be told from single ones).
        """
        x, m = _checked(purchases, mean_amount)
        if not (m > 0).all():
            raise ValueError("mean_amount: expected amounts above 0")
        if len(x) < FEWEST_CUSTOMERS:
            raise NotEnoughData("Gamma-Gamma", f"{FEWEST_CUSTOMERS} customers of known spend", str(len(x)))
        several = int((x > 1).sum())
        if several < FEWEST_REPEATERS:
            raise NotEnoughData(
                "Gamma-Gamma", f"{FEWEST_REPEATERS} customers with two purchases of known amount", str(several)
            )
        unit = float(np.median(m))
        amounts = m / unit
        log_amounts = np.log(amounts)

        def likelihood(parameters: Floats) -> tuple[float, Floats]:
            p, above_1, v = parameters
            q = above_1 + 1
            shape, weight = p * x, p * x + q
            log_mix = np.log(v + x * amounts)
            value = (
                gammaln(weight) - gammaln(shape) - gammaln(q) + q * np.log(v) - weight * log_mix
                + shape * np.log(x) + (shape - 1) * log_amounts
            )  # fmt: skip
            by_p = x * (digamma(weight) - digamma(shape) + np.log(x) + log_amounts - log_mix)
            by_q = digamma(weight) - digamma(q) + np.log(v) - log_mix
            by_v = q / v - weight / (v + x * amounts)
            return float(value.sum()), np.array([by_p.sum(), by_q.sum(), by_v.sum()])

        parameters, top = maximise("Gamma-Gamma", likelihood, ((1.0, 1.0, 1.0), (5.0, 2.0, 2.0)), float(len(x)))
        self.p_, self.q_, self.v_ = float(parameters[0]), float(parameters[1]) + 1, float(parameters[2]) * unit
        self.log_likelihood_ = top - len(x) * float(np.log(unit))
        return self

    def expected_amount(self, purchases: npt.ArrayLike, mean_amount: npt.ArrayLike) -> Floats:
        """Amount expected per future purchase (equation 5), shape ``(n,)``, in the unit learned.

        The fewer purchases, the nearer to the mean of all customers, which stands where ``purchases`` is 0.
        NaN where ``mean_amount`` is NaN although there are purchases: unknown stays unknown. Amounts of 0 or
        less (all taken back) are allowed here and count as 0.
        """
        x = np.atleast_1d(np.asarray(purchases, dtype=float))
        m = np.where(x > 0, np.maximum(np.atleast_1d(np.asarray(mean_amount, dtype=float)), 0.0), 0.0)
        expected: Floats = self.p_ * (self.v_ + x * m) / (self.p_ * x + self.q_ - 1)
        return expected


def _checked(purchases: npt.ArrayLike, mean_amount: npt.ArrayLike) -> tuple[Floats, Floats]:
    x, m = np.asarray(purchases, dtype=float), np.asarray(mean_amount, dtype=float)
    if x.ndim != 1 or x.shape != m.shape:
        raise ValueError(f"purchases, mean_amount: expected two lists of one length, got {x.shape} and {m.shape}")
    if not (np.isfinite(x).all() and np.isfinite(m).all() and (x >= 1).all()):
        raise ValueError("purchases, mean_amount: expected finite numbers, and at least one purchase each")
    return x, m

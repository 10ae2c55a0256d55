"""Recency, frequency and money as K-Means wants them: logarithms on one scale, unknown money left unknown.

Raw RFM is so skewed that K-Means on it cuts off a handful of giants and calls the rest one group; the
logarithm makes a customer of ten orders differ from one of five as five from two and a half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

RECENCY, FREQUENCY, MONETARY = "recency_days", "frequency", "monetary_minor"
FEATURES = (RECENCY, FREQUENCY, MONETARY)
#: +1 where more is better for the shop, -1 where less is.
DIRECTIONS: dict[str, int] = {RECENCY: -1, FREQUENCY: 1, MONETARY: 1}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Money:
    """What is known of the customers' money: ``amounts`` (shape ``(n,)``, minor units, NaN unknown)."""

    amounts: Floats
    currency: str | None
    known_share: float


def comparable_money(rfm: pd.DataFrame) -> Money:
    """Money of one shop's customers in the currency that most of them pay in.

    Amounts in another currency are unknown here (there is no rate table), as are nulls. Customers whose
    ``currency`` is null while their amount is not count as of one unnamed currency.
    """
    amounts = pd.to_numeric(rfm[MONETARY]).to_numpy(dtype=float, na_value=np.nan, copy=True)
    currencies = rfm["currency"].astype(object).where(rfm["currency"].notna(), None)
    known = ~np.isnan(amounts)
    if not known.any():
        return Money(amounts, None, 0.0)
    counts = currencies[known].fillna("").value_counts()
    # Ties go to the first name, so that the choice does not hang on the order of rows.
    main = min(counts.index, key=lambda name: (-counts[name], name))
    amounts[(currencies.fillna("") != main).to_numpy()] = np.nan
    return Money(amounts, main or None, float(np.mean(~np.isnan(amounts))))


class RfmFeatures:
    """Turns RFM into standardised logarithms (scikit-learn style: ``fit``, then ``transform``).

    - recency and frequency: ``log1p(x)``;
    - money: ``log1p(max(net, 0) / scale_)``. A net of zero or less (all refunded) counts as zero. ``scale_``
      is a small purchase of this shop (the ``scale_quantile`` of positive nets), so the result is the same
      in pounds, pence or yen; with minor units in its place, the gap between 0 and the smallest sale grows
      with the unit until refunded customers are a cluster of their own.

    Money is used only where at least ``min_known_share`` of the customers have it; a shop that logs no
    prices is modelled on recency and frequency.

    Learned: ``columns_`` (names of the features used), ``scale_`` (minor units, or None), ``mean_`` and
    ``std_`` (shape ``(features,)``).
    """

    def __init__(self, scale_quantile: float = 0.05, min_known_share: float = 0.5) -> None:
        self.scale_quantile = scale_quantile
        self.min_known_share = min_known_share

    def fit(self, rfm: pd.DataFrame, money: Money) -> RfmFeatures:
        """Learn scale, mean and spread from one shop's customers (one row each, at least one)."""
        self.scale_: float | None = None
        positive = money.amounts[money.amounts > 0]
        if money.known_share >= self.min_known_share and positive.size:
            self.columns_: tuple[str, ...] = FEATURES
            self.scale_ = float(np.quantile(positive, self.scale_quantile))
        else:
            self.columns_ = (RECENCY, FREQUENCY)
        logs = self._logs(rfm, money)
        self.mean_: Floats = np.nanmean(logs, axis=0)
        spread = np.nanstd(logs, axis=0)
        # A column that never varies tells customers apart by nothing: it becomes 0, not 0/0. The bound
        # is relative because the spread of equal floats is rounding error, not always exactly zero.
        self.std_: Floats = np.where(spread > 1e-9 * np.maximum(1.0, np.abs(self.mean_)), spread, np.inf)
        return self

    def transform(self, rfm: pd.DataFrame, money: Money) -> Floats:
        """Features of shape ``(customers, len(columns_))``; NaN where a customer's money is unknown."""
        features: Floats = (self._logs(rfm, money) - self.mean_) / self.std_
        return features

    def in_units(self, centers: Floats) -> Floats:
        """Feature space back to days, orders and minor units (shape kept)."""
        spread = np.where(np.isinf(self.std_), 0.0, self.std_)
        units: Floats = np.expm1(centers * spread + self.mean_)
        if self.scale_ is not None:
            units[:, self.columns_.index(MONETARY)] *= self.scale_
        return units

    def raw(self, rfm: pd.DataFrame, money: Money) -> Floats:
        """The same columns without logarithm, standardised: the textbook features kept as a baseline."""
        columns = [rfm[RECENCY].to_numpy(dtype=float), rfm[FREQUENCY].to_numpy(dtype=float)]
        if MONETARY in self.columns_:
            columns.append(money.amounts)
        values = np.column_stack(columns)
        spread = np.nanstd(values, axis=0)
        raw: Floats = (values - np.nanmean(values, axis=0)) / np.where(spread > 0, spread, np.inf)
        return raw

    def _logs(self, rfm: pd.DataFrame, money: Money) -> Floats:
        columns = [
            np.log1p(rfm[RECENCY].to_numpy(dtype=float)),
            np.log1p(rfm[FREQUENCY].to_numpy(dtype=float)),
        ]
        if self.scale_ is not None:
            columns.append(np.log1p(np.maximum(money.amounts, 0.0) / self.scale_))
        return np.column_stack(columns)

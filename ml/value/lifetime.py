"""Buy-till-you-die models over a shop's customers: BG/NBD or Pareto/NBD times Gamma-Gamma.

They learn from past orders alone, so they need no outcomes and know nothing but when and for how much
somebody bought.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.clustering import sample_rows
from ml.evaluation.enough import NotEnoughData
from ml.value.bgnbd import BGNBD
from ml.value.cuts import ORDERS, Cut
from ml.value.gamma_gamma import GammaGamma
from ml.value.histories import Floats
from ml.value.naive import TARGETS, known_outcomes, mean_of_never_bought
from ml.value.pareto_nbd import ParetoNBD

#: Customers that parameters are learned from at most: four parameters need no more.
MOST_FITTED = 10_000

_PURCHASES: dict[str, type[BGNBD] | type[ParetoNBD]] = {"bgnbd": BGNBD, "pareto_nbd": ParetoNBD}


def purchase_history(features: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """``frequency, recency, T`` in days of customers who bought (``ml.value.summary`` says what they are)."""
    first = features["days_since_first_order"].to_numpy(dtype=float)
    last = features["days_since_last_order"].to_numpy(dtype=float)
    return features["order_days"].to_numpy(dtype=float) - 1, first - last, first - 1


def spend_per_order_day(features: pd.DataFrame) -> Floats:
    """Mean worth of a day with orders, minor units, NaN where no order's worth is known."""
    order_value = features["mean_order_value_minor"].to_numpy(dtype=float, na_value=np.nan)
    orders, days = (features[name].to_numpy(dtype=float) for name in ("orders_placed", "order_days"))
    spend: Floats = order_value * np.divide(orders, days, out=np.zeros(len(days)), where=days > 0)
    return np.where(days > 0, spend, np.nan)


def worth_unknown(features: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Customers who bought, but of whose orders no worth is known: shape ``(n,)``."""
    unknown: npt.NDArray[np.bool_] = (features["order_days"] > 0).to_numpy() & np.isnan(spend_per_order_day(features))
    return unknown


class BuyTillYouDie:
    """``purchases`` (``bgnbd`` or ``pareto_nbd``) for orders; times Gamma-Gamma and what is kept for net spend.

    Learned: ``purchases_``, ``amounts_`` (None for orders), ``kept_`` (the share of the shop's gross that was
    not taken back) and ``never_bought_`` (mean outcome, at earlier cuts, of customers without an order, of
    whom these models say nothing).
    """

    def __init__(self, purchases: str, random_state: int = 42) -> None:
        self.purchases = purchases
        self.random_state = random_state

    @property
    def name(self) -> str:
        """``bgnbd`` or ``pareto_nbd``."""
        return self.purchases

    def fit(self, target: str, learned: Sequence[Cut], now: Cut) -> Self:
        """See ``OutcomeModel``; the parameters are learned from all that is known at ``now``."""
        self.target_ = target
        self.horizon_days_ = now.horizon_days
        self.never_bought_ = mean_of_never_bought(*known_outcomes(target, learned))
        buyers = now.features[now.features["order_days"] > 0]
        buyers = buyers.iloc[sample_rows(len(buyers), MOST_FITTED, self.random_state)]
        self.purchases_ = _PURCHASES[self.purchases]().fit(*purchase_history(buyers))
        self.amounts_: GammaGamma | None = None
        self.kept_ = 1.0
        if target != ORDERS:
            spend = spend_per_order_day(buyers)
            paid = spend > 0
            self.amounts_ = GammaGamma().fit(buyers["order_days"].to_numpy(dtype=float)[paid], spend[paid])
            gross = float(buyers["gross_minor"].sum())
            if gross <= 0:
                raise NotEnoughData(f"expected {TARGETS[target]}", "orders of known worth", "none")
            self.kept_ = float(np.clip(buyers["net_revenue_minor"].sum() / gross, 0.0, 1.0))
        return self

    def predict(self, features: pd.DataFrame) -> Floats:
        """Shape ``(n,)``; see ``OutcomeModel``."""
        expected = np.full(len(features), self.never_bought_)
        bought = (features["order_days"] > 0).to_numpy()
        if not bought.any():
            return expected
        buyers = features[bought]
        orders = self.purchases_.expected_purchases(self.horizon_days_, *purchase_history(buyers))
        if self.amounts_ is not None:
            days = buyers["order_days"].to_numpy(dtype=float)
            orders = orders * self.amounts_.expected_amount(days, spend_per_order_day(buyers)) * self.kept_
        expected[bought] = orders
        return expected

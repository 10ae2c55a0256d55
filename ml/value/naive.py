"""The guesses that a value model has to beat, and what all models of this package have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
import pandas as pd

from ml.evaluation.enough import NotEnoughData
from ml.value.cuts import ORDERS, VALUE, Cut
from ml.value.histories import FEWEST_REPEATERS, Floats

#: Target -> what it is called in words, with its unit.
TARGETS: dict[str, str] = {ORDERS: "orders", VALUE: "spend"}

#: Share of buyers whose spend may be unknown.
MOST_UNKNOWN = 0.1


class OutcomeModel(Protocol):
    """Predicts a target of every customer over the next H days from their features.

    ``fit`` learns from earlier cuts with outcomes, and from what the customers of ``now`` did before it; it
    raises ``NotEnoughData`` where that says too little. ``predict`` takes features as
    ``features.customer_features`` has them and gives shape ``(n,)`` in the target's unit, NaN where unknown.
    """

    @property
    def name(self) -> str: ...

    def fit(self, target: str, learned: Sequence[Cut], now: Cut) -> Self: ...

    def predict(self, features: pd.DataFrame) -> Floats: ...


def known_outcomes(target: str, learned: Sequence[Cut]) -> tuple[pd.DataFrame, Floats]:
    """Rows of all cuts whose outcome is known, and the outcomes.

    Raises ``NotEnoughData`` where hardly any bought, or where more than ``MOST_UNKNOWN`` of those who did spent an
    unknown sum: the known rest would be those who bought nothing, and all models would learn too little.
    """
    outcomes = np.concatenate([cut.outcome(target) for cut in learned]) if learned else np.empty(0)
    bought = int((outcomes > 0).sum())
    unknown = int(np.isnan(outcomes).sum())
    if unknown > MOST_UNKNOWN * (bought + unknown):
        raise NotEnoughData(
            f"expected {TARGETS[target]}",
            f"known worth of what {1 - MOST_UNKNOWN:.0%} of the buyers bought",
            f"{bought} of {bought + unknown}",
        )
    if bought < FEWEST_REPEATERS:
        raise NotEnoughData(
            f"expected {TARGETS[target]}",
            f"{FEWEST_REPEATERS} customers who bought within the days looked ahead",
            str(bought),
        )
    known = ~np.isnan(outcomes)
    rows = pd.concat([cut.features for cut in learned], ignore_index=True)
    return rows[known], outcomes[known]


def mean_of_never_bought(rows: pd.DataFrame, outcomes: Floats) -> float:
    """Mean outcome of customers without an order at the cut; 0 where there were none."""
    never = outcomes[(rows["order_days"] == 0).to_numpy()]
    return float(never.mean()) if never.size else 0.0


class MeanOfAll:
    """Everyone is expected to do what the mean customer did after earlier cuts."""

    name = "baseline_mean"

    def __init__(self, random_state: int = 42) -> None:
        self.random_state = random_state  # as every candidate has; nothing is drawn

    def fit(self, target: str, learned: Sequence[Cut], now: Cut) -> Self:
        """See ``OutcomeModel``. Learns ``mean_``."""
        self.mean_ = float(known_outcomes(target, learned)[1].mean())
        return self

    def predict(self, features: pd.DataFrame) -> Floats:
        """Shape ``(n,)``."""
        return np.full(len(features), self.mean_)


class OwnRate:
    """Everyone goes on at their own pace: past net spend (or orders) a day, times H.

    The past is counted from the first order and as at least H days: a first order of yesterday is no daily habit.
    Whoever never bought has no pace; they are expected to do what such customers did after earlier cuts.

    Learned: ``never_bought_``, that mean.
    """

    name = "baseline_own_rate"

    def __init__(self, random_state: int = 42) -> None:
        self.random_state = random_state  # as every candidate has; nothing is drawn

    def fit(self, target: str, learned: Sequence[Cut], now: Cut) -> Self:
        """See ``OutcomeModel``."""
        self.never_bought_ = mean_of_never_bought(*known_outcomes(target, learned))
        self.past_ = "order_days" if target == ORDERS else "net_revenue_minor"
        self.horizon_days_ = now.horizon_days
        return self

    def predict(self, features: pd.DataFrame) -> Floats:
        """Shape ``(n,)``: NaN where past spend is unknown."""
        past = features[self.past_].to_numpy(dtype=float, na_value=np.nan)
        days = features["days_since_first_order"].to_numpy(dtype=float, na_value=np.nan)
        rate = np.maximum(past, 0) / np.fmax(days, self.horizon_days_) * self.horizon_days_
        never = features["order_days"].to_numpy(dtype=float) == 0
        expected: Floats = np.where(never, self.never_bought_, rate)
        return expected

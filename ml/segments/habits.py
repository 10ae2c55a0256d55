"""What customers' visits and orders are like, however long they have been customers: how often they come while
they come, how many of their visits end in an order, and how much an order is worth.

Recency, frequency and money say where a customer stands: all three change with every day that passes, so that
one and the same person goes through many segments. Ratios of what a customer did do not grow with time: whoever
comes weekly and buys every third time is the same kind after ten orders as after three. They are told apart by
ratios, hence their logarithms: once or twice a month differs as ten and twenty times do.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.evaluation.intervals import Floats
from ml.segments.behaviour import LONGEST_SPAN_DAYS, SHORTEST_SPAN_DAYS, source_numbers

PACE, CONVERSION, BASKET = "visits_per_30_active_days", "orders_per_visit", "mean_order_value_minor"
HABITS = (PACE, CONVERSION, BASKET)
#: Columns of ``features.feat_customers`` that habits are made of.
HABIT_SOURCES = ("sessions_365d", "tenure_days", "days_since_active", "orders_placed_365d", "mean_order_value_minor")
#: +1 where more is better for the shop.
HABIT_DIRECTIONS: dict[str, int] = {PACE: 1, CONVERSION: 1, BASKET: 1}


def habit_values(features: pd.DataFrame) -> pd.DataFrame:
    """The columns of ``HABITS`` in their own units, one row per row of ``features``, NaN where unknown.

    - ``visits_per_30_active_days``: sessions of the last 365 days per 30 days from the first to the last day
      the customer was seen in them (at least one month): who has left came as often as they came.
    - ``orders_per_visit``: orders placed in the last 365 days / those sessions; above 1 where more was ordered
      than was seen.
    - ``mean_order_value_minor``: mean worth of the customer's orders, all history, minor units.

    Unknown without a session, an order in those days, or a worth above 0; and where a source column is absent.
    """
    sessions = _above_zero(source_numbers(features, "sessions_365d"))
    tenure = np.clip(source_numbers(features, "tenure_days"), None, LONGEST_SPAN_DAYS)
    span = np.maximum(tenure - source_numbers(features, "days_since_active"), SHORTEST_SPAN_DAYS)
    orders = _above_zero(source_numbers(features, "orders_placed_365d"))
    return pd.DataFrame(
        {
            PACE: sessions * 30 / span,
            CONVERSION: orders / sessions,
            BASKET: _above_zero(source_numbers(features, "mean_order_value_minor")),
        },
        index=features.index,
    )


def _above_zero(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)

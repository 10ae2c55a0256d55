"""Which columns of ``features.customer_features`` models read, three more made of them, and what they speak of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

KEYS = ("shop_id", "as_of", "customer_id")

#: What the columns speak of, as reasons name it: concept -> beginnings of its columns' names. First match wins.
_CONCEPTS: dict[str, tuple[str, ...]] = {
    "recency": ("days_since_last_order", "overdue_ratio", "mean_gap_days", "last_gap_days"),
    "visits": ("days_since_active", "active_days", "sessions", "events", "product_views", "searches", "visits_change"),
    "carts": ("cart_", "checkouts", "wishlist_adds"),
    "breadth": ("categories_", "brands_"),
    "discounts": ("discounted_",),
    "refunds": ("refund_", "cancelled_"),
    "frequency": ("orders_", "order_days", "units"),
    "money": ("net_revenue", "gross_", "greatest_day", "mean_order_value"),
    "tenure": ("tenure_days", "days_since_first_order"),
}
#: Columns that grow with the calendar: they drift in every shop, and that says nothing about its customers.
_GROWING = ("tenure_days", "days_since_first_order", "active_days", "orders_placed", "order_days")


def with_derived(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with three columns more, where what they are made of is there.

    - ``overdue_ratio``: days since the last order per usual gap (unknown with fewer than two order days);
    - ``visits_change``, ``orders_change``: ln of (1 + the last 30 / 90 days) less ln of (1 + what the 90 /
      365 days up to then would give in as many days); negative where visits or orders thin out.
    """
    added: dict[str, np.ndarray] = {}
    if {"days_since_last_order", "mean_gap_days"} <= set(frame.columns):
        gap = _numbers(frame, "mean_gap_days")
        since = _numbers(frame, "days_since_last_order")
        added["overdue_ratio"] = np.where(gap > 0, since / np.where(gap > 0, gap, 1.0), np.nan)
    for name, late, whole, late_days, whole_days in (
        ("visits_change", "sessions_30d", "sessions_90d", 30, 90),
        ("orders_change", "orders_placed_90d", "orders_placed_365d", 90, 365),
    ):
        if {late, whole} <= set(frame.columns):
            recent = _numbers(frame, late)
            earlier = np.maximum(_numbers(frame, whole) - recent, 0.0)
            added[name] = np.log1p(recent) - np.log1p(earlier * late_days / (whole_days - late_days))
    return frame.assign(**added)


def numeric_features(frames: Iterable[pd.DataFrame]) -> list[str]:
    """Columns that hold numbers and vary in at least one of ``frames`` (all with the same columns), in their order."""
    parts = list(frames)
    if not parts:
        return []
    return [
        str(name)
        for name in parts[0].columns
        if name not in KEYS
        and pd.api.types.is_numeric_dtype(parts[0][name])
        and any(len(part[name].drop_duplicates()) > 1 for part in parts)
    ]


def concepts(columns: Sequence[str]) -> dict[str, list[str]]:
    """``columns`` by the concept they speak of; one that fits none is left out."""
    found: dict[str, list[str]] = {name: [] for name in _CONCEPTS}
    for column in columns:
        for concept, beginnings in _CONCEPTS.items():
            if column.startswith(beginnings):
                found[concept].append(column)
                break
    return {concept: names for concept, names in found.items() if names}


def may_drift(column: str) -> bool:
    """Whether a change of this column's distribution says something about the customers."""
    return column not in _GROWING


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    return frame[name].to_numpy(dtype=float, na_value=np.nan)

"""Shops made up for the model tests."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest


def planted_rfm(sizes: tuple[int, ...] = (150, 150, 150), shop_id: str = "shop", seed: int = 1) -> pd.DataFrame:
    """Customers in well-separated groups: regulars, lapsed big spenders, new one-time buyers.

    ``value_group`` holds the planted group.
    """
    centres = ((8, 20, 400_000), (250, 6, 60_000), (30, 1, 2_000))
    generator = np.random.default_rng(seed)
    parts = []
    for group, (size, (recency, frequency, money)) in enumerate(zip(sizes, centres, strict=True)):
        noise = generator.lognormal(0, 0.12, (3, size))
        parts.append(
            pd.DataFrame(
                {
                    "shop_id": shop_id,
                    "customer_id": [f"{group}-{number:05d}" for number in range(size)],
                    "as_of": dt.date(2024, 3, 1),
                    "recency_days": np.round(recency * noise[0]).astype("int64"),
                    "frequency": np.maximum(1, np.round(frequency * noise[1])).astype("int64"),
                    "monetary_minor": np.round(money * noise[2]).astype("int64"),
                    "currency": "EUR",
                    "value_group": ["regular", "lapsed", "new"][group],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def planted() -> pd.DataFrame:
    return planted_rfm()


@pytest.fixture
def make_planted():
    return planted_rfm

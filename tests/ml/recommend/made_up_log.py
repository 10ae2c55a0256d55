"""A log of people with tastes, for the tests of recommenders."""

from __future__ import annotations

import numpy as np
import pandas as pd


def taste_log(
    n_users: int = 120, n_items: int = 60, tastes: int = 4, per_user: int = 15, seed: int = 1
) -> pd.DataFrame:
    """Each user belongs to a taste, each item too; nine choices of ten are of the own taste, popular items more.

    Columns ``user``, ``item``, ``weight``, ``time`` over 100 days, and ``taste`` of the user. Pairs may repeat.
    """
    generator = np.random.default_rng(seed)
    user = np.repeat(np.arange(n_users), per_user)
    taste = user % tastes
    of_taste = n_items // tastes
    rank = np.minimum(generator.geometric(0.15, len(user)) - 1, of_taste - 1)
    group = np.where(generator.random(len(user)) < 0.9, taste, generator.integers(0, tastes, len(user)))
    return pd.DataFrame(
        {
            "user": [f"u{number:03d}" for number in user],
            "item": [f"i{place * tastes + part:03d}" for place, part in zip(rank, group, strict=True)],
            "weight": generator.choice([1.0, 3.0, 5.0], len(user)),
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 100 * 86_400, len(user)), "s"),
            "taste": [f"t{number}" for number in taste],
        }
    )

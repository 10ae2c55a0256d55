"""The year's rhythm of what people come for: each category has a season in which more visits are for it.

A visit is for the person's favourite category or for any other one; both chances swing with the category's
season, a cosine over the year. How many visits there are, and what they lead to, has nothing to do with it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.catalogue import CATEGORIES
from ingestion.simulator.clock import ShopClock
from ingestion.simulator.config import SimulatorConfig

#: Middle of the season by category, in months after the turn of the year (0.5: the middle of January).
_PEAKS = {
    "Home/Kitchen/Cookware": 0.5, "Home/Kitchen/Tableware": 11.5, "Home/Bedding": 10.5, "Home/Storage": 2.0,
    "Home/Lighting": 10.0, "Home/Decor": 0.0, "Home/Appliances/Kitchen": 11.0, "Home/Appliances/Cleaning": 3.0,
    "Apparel/Women": 4.0, "Apparel/Men": 9.5, "Apparel/Kids": 8.0, "Beauty/Skincare": 6.0, "Beauty/Makeup": 7.5,
    "Digital/Audio": 8.5, "Digital/Accessories": 7.0, "Sports/Outdoor": 5.0,
}  # fmt: skip
_YEAR = 365.2425
_FAVOURITE_SHARE = 0.6  # of visits, over the year

Numbers = NDArray[np.int64]


def season_weights(config: SimulatorConfig) -> NDArray[np.float64]:
    """Interest in each category on each day against its mean over the year, by day and category."""
    first = config.start.timetuple().tm_yday - 1
    when = (first + np.arange(config.days)) / _YEAR
    peak = np.array([_PEAKS[path] for path, _, _ in CATEGORIES]) / 12
    weights: NDArray[np.float64] = 1 + config.season_amplitude * np.cos(2 * np.pi * (when[:, None] - peak))
    return weights


def draw_interest(config: SimulatorConfig, favourite: Numbers, day: Numbers, luck: NDArray[np.float64]) -> Numbers:
    """Category that each visit is for; parallel arrays: the person's favourite, day, numbers between 0 and 1."""
    weights = season_weights(config)
    ladder = np.cumsum(weights, axis=1)
    place = config.rng("seasons").random(len(day)) * ladder[day, -1]
    elsewhere = (place[:, None] >= ladder[day, :-1]).sum(axis=1)
    return np.where(luck < _FAVOURITE_SHARE * weights[day, favourite], favourite, elsewhere)


def season_truth(config: SimulatorConfig, clock: ShopClock, visits: pd.DataFrame) -> pd.DataFrame:
    """The table ``seasons``: interest_date (ISO text), category, weight (interest against its mean over the
    year), visits (of people, that were planted for the category on the day)."""
    people = visits[visits["person"] >= 0]
    size = len(CATEGORIES)
    counts = np.bincount(people["day"].to_numpy() * size + people["category"].to_numpy(), minlength=config.days * size)
    dates = [clock.date_of(day).isoformat() for day in range(config.days)]
    return pd.DataFrame(
        {
            "interest_date": np.repeat(np.array(dates, dtype=object), size),
            "category": [path for path, _, _ in CATEGORIES] * config.days,
            "weight": season_weights(config).ravel().round(9),
            "visits": counts,
        }
    )

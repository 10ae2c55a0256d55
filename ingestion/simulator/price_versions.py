"""Every price that a product will have, and when it stops being sold: the versions of the shop's product table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.assortment import ShelfDays
from ingestion.simulator.clock import ShopClock
from ingestion.simulator.config import SimulatorConfig

_CHANGES_PER_MONTH = 0.5
_CHANGE_FACTORS = np.array([0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.25])
_COST = 0.55  # of the usual price


def price_versions(
    config: SimulatorConfig, clock: ShopClock, rng: np.random.Generator, base: NDArray[np.float64], shelf: ShelfDays
) -> pd.DataFrame:
    """Versions of products ordered by product and time: product, since, price, cost, on_sale.

    ``base``: usual prices in major units. The first version is of the first day of the history, or of the day
    on which a new product comes; prices change about every other month; what is withdrawn gets a last version,
    at the price it had, on the day after its last.
    """
    unit, count = 10**config.exponent, len(base)
    changes = rng.poisson(_CHANGES_PER_MONTH * config.days / 30, count)
    product = np.repeat(np.arange(count), changes)
    day = rng.integers(1, max(config.days, 2), len(product))
    keep = day < config.days
    drawn = pd.DataFrame({"product": product[keep], "day": day[keep]}).drop_duplicates()
    first = pd.DataFrame({"product": np.arange(count), "day": 0})
    versions = pd.concat([first, drawn]).sort_values(["product", "day"], kind="stable", ignore_index=True)
    # Every price is the base price times a factor, so that long histories do not drift away.
    factor = np.where(versions["day"] == 0, 1.0, rng.choice(_CHANGE_FACTORS, len(versions)))
    versions["price"] = _shelf_price(base[versions["product"]] * factor, unit)
    versions = _within_shelf_days(versions, shelf, config.days)
    day_index, of = versions["day"].to_numpy(dtype=np.int64), versions["product"].to_numpy()
    table = pd.DataFrame(
        {
            "product": of,
            "since": clock.at(day_index, np.zeros_like(day_index)),
            "price": versions["price"],
            "cost": np.round(_shelf_price(base, unit)[of] * _COST).astype(np.int64),
            "on_sale": day_index <= shelf.last[of],
        }
    )
    table["on_sale"] &= (shelf.last > 0)[of]
    # A draw that leaves everything as it was is no new version.
    same = (
        (table["product"].diff() == 0) & (table["price"].diff() == 0) & ~table["on_sale"].ne(table["on_sale"].shift())
    )
    return table[~same].reset_index(drop=True)


def _within_shelf_days(versions: pd.DataFrame, shelf: ShelfDays, days: int) -> pd.DataFrame:
    """Begin with the day on which a product comes, and end with the one after its last."""
    product, day = versions["product"].to_numpy(), versions["day"].to_numpy()
    first, last = shelf.first[product], shelf.last[product]
    stays = (day == 0) | ((day > first) & ((day <= last) | (last == 0)))
    kept = versions[stays].assign(day=np.maximum(day, first)[stays])
    # Versions are ordered by product: the last one that is kept has the price that the product goes with.
    gone = kept.drop_duplicates("product", keep="last")
    leaves = shelf.last[gone["product"].to_numpy()]
    gone = gone.assign(day=leaves + 1)[(leaves > 0) & (leaves + 1 < days)]
    return pd.concat([kept, gone]).sort_values(["product", "day"], kind="stable", ignore_index=True)


def _shelf_price(major: NDArray[np.float64], unit: int) -> NDArray[np.int64]:
    """Prices that end in .90 below a hundred and in whole units above, in minor units."""
    whole = np.maximum(np.round(major), 2).astype(np.int64)
    return np.where(whole < 100, whole * unit - unit // 10, whole * unit).astype(np.int64)

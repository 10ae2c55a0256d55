"""The truth about products: ``products`` and ``item_affinities``.

``products``, one row per item:

- item_id, item_name, item_variant, category; family: the item id of the first of its variants (its own where
  it has none); variants: how many its family has
- first_day, last_day (ISO text): between which it is on sale; first_day is the history's first for what was
  there before, last_day null for what is on sale when it ends; both null for what never is on sale
- popularity: share of its category's looks that its appeal would give it, were everything on sale

``item_affinities``, one row per planted pair (of ``bought_together`` both ways round):

- kind: ``viewed_after`` (the next look after one at item_id is at other_item_id) or ``bought_together``
- item_id, other_item_id
- strength: chance. Of ``viewed_after``: given a look at item_id, and a next look while other_item_id is on sale
  that no search found and that neither goes back to the visit's first product nor is led by what is in the cart.
  Of ``bought_together``: given that item_id alone of its set is in the cart, and that one more look, which no
  search found, ends in the cart
- visits: in how many it was planted: looks in a row for that reason; both of them in the cart for whatever one
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.simulator.affinities import SET_SIZE, Affinities
from ingestion.simulator.catalogue import CATEGORIES, Catalogue
from ingestion.simulator.clock import ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.looks import AFTER
from ingestion.simulator.paths import PRODUCT_KIND


def product_truth(config: SimulatorConfig, clock: ShopClock, catalogue: Catalogue) -> pd.DataFrame:
    """The table ``products``, in order of item id."""
    products, shelf = catalogue.products, catalogue.shelf
    sold = products["is_active"].to_numpy()
    first = [clock.date_of(day).isoformat() if on else None for day, on in zip(shelf.first.tolist(), sold, strict=True)]
    last = [
        clock.date_of(day).isoformat() if on and day < config.days else None
        for day, on in zip(shelf.last.tolist(), sold, strict=True)
    ]
    return pd.DataFrame(
        {
            "item_id": products["sku"],
            "item_name": products["name"],
            "item_variant": products["variant"].astype("str"),
            "category": pd.Series([CATEGORIES[number][0] for number in products["category"].tolist()], dtype="str"),
            "family": products["family"],
            "variants": products.groupby("family")["sku"].transform("size"),
            "first_day": pd.Series(first, dtype="str"),
            "last_day": pd.Series(last, dtype="str"),
            "popularity": catalogue.popularity.round(9),
        }
    )


def affinity_truth(
    catalogue: Catalogue, affinities: Affinities, walked: pd.DataFrame, carts: pd.DataFrame
) -> pd.DataFrame:
    """The table ``item_affinities``, in order of kind, item and other item.

    ``walked``: the pages as chosen by ``looks``; ``carts``: cart lines (visit, product).
    """
    sku = catalogue.products["sku"].to_numpy()
    followed = np.flatnonzero(affinities.successor >= 0)
    looks = walked[walked["kind"] == PRODUCT_KIND]
    before = looks["product"].shift(fill_value=-1)[looks["reason"] == AFTER]
    after = pd.DataFrame(
        {
            "kind": "viewed_after",
            "item": followed,
            "other": affinities.successor[followed],
            "strength": affinities.follows[followed],
            "visits": np.bincount(before, minlength=len(sku))[followed],
        }
    )
    one, other = np.nonzero(~np.eye(SET_SIZE, dtype=bool))
    together = pd.DataFrame(
        {
            "kind": "bought_together",
            "item": affinities.sets[:, one].ravel(),
            "other": affinities.sets[:, other].ravel(),
            "strength": affinities.together / (SET_SIZE - 1),
        }
    )
    both = carts[["visit", "product"]].merge(carts[["visit", "product"]], on="visit", suffixes=("", "_other"))
    counts = both.groupby(["product", "product_other"]).size()
    pairs = pd.MultiIndex.from_frame(together[["item", "other"]])
    together["visits"] = counts.reindex(pairs, fill_value=0).to_numpy()
    table = pd.concat([together, after], ignore_index=True).sort_values(
        ["kind", "item", "other"], kind="stable", ignore_index=True
    )
    return pd.DataFrame(
        {
            "kind": table["kind"].astype("str"),
            "item_id": sku[table["item"].to_numpy()],
            "other_item_id": sku[table["other"].to_numpy()],
            "strength": table["strength"].round(9),
            "visits": table["visits"],
        }
    )

"""Which products belong together: what is viewed after what, and sets of products that are bought together.

Both change which product a look is at. How many looks a visit has, and which of them end in the cart, is
drawn before (see ``looks``), so every chance of ``intent`` and ``purchase_chance`` stays exact.

- **Viewed after**: half the products have a successor, mostly of their own category; the next look of the
  visit is at it with the pair's chance (``SimulatorConfig.viewed_after`` on average).
- **Bought together**: the most popular products that are on sale all the time are dealt into sets of
  ``SET_SIZE``, of different categories as far as possible; every two products of a set are a pair. Once one
  of them was put into the cart, the next thing that the visit puts there is another of the set that is not in
  the cart yet, with the chance ``SimulatorConfig.bought_together``, each of them as likely; so are later looks
  that do not end in the cart, less often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.catalogue import Catalogue
from ingestion.simulator.config import SimulatorConfig

SET_SIZE = 4
_PRODUCTS_PER_SET = 20  # 480 products: 24 sets, 144 pairs
_LOOKED_AT = 0.4  # as likely as what ends in the cart
_WITH_SUCCESSOR, _SAME_CATEGORY = 0.5, 0.7
_SPREAD = 0.4  # chances of successors lie within this share of their mean

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Affinities:
    """``successor`` (product, -1 none) and ``follows`` (its chance, 0 without) by product; ``set_of`` (number of
    the set, -1 none) and ``place`` (in the set) by product; ``sets``: products by set and place; ``together``:
    chance that a later look that ends in the cart is at one of the set, ``looked_at`` that one which does not."""

    successor: Numbers
    follows: NDArray[np.float64]
    set_of: Numbers
    place: Numbers
    sets: Numbers
    together: float
    looked_at: float


def plan_affinities(config: SimulatorConfig, catalogue: Catalogue) -> Affinities:
    """Draw the successors and the sets; a chance of 0 in the configuration plants none of that kind."""
    successor, follows = _successors(config, catalogue)
    sets = _sets(config, catalogue)
    set_of = np.full(config.products, -1, dtype=np.int64)
    place = np.zeros(config.products, dtype=np.int64)
    set_of[sets.ravel()] = np.repeat(np.arange(len(sets)), SET_SIZE)
    place[sets.ravel()] = np.tile(np.arange(SET_SIZE), len(sets))
    return Affinities(
        successor, follows, set_of, place, sets, config.bought_together, _LOOKED_AT * config.bought_together
    )


def _successors(config: SimulatorConfig, catalogue: Catalogue) -> tuple[Numbers, NDArray[np.float64]]:
    rng, count = config.rng("viewed after"), config.products
    products = catalogue.products
    category, family = products["category"].to_numpy(), products["family"].to_numpy()
    active = products["is_active"].to_numpy()
    # Another product at a step round the ring of the category, or of the whole shop.
    by_category = np.argsort(category, kind="stable")
    sizes = np.bincount(category)
    begin, nth = np.cumsum(sizes) - sizes, np.empty(count, dtype=np.int64)
    nth[by_category] = np.arange(count) - (np.cumsum(sizes) - sizes)[category[by_category]]
    step = 1 + (rng.random(count) * (sizes[category] - 1)).astype(np.int64)
    near = by_category[begin[category] + (nth + step) % sizes[category]]
    far = (np.arange(count) + rng.integers(1, count, count)) % count
    found = np.where(rng.random(count) < _SAME_CATEGORY, near, far)
    has = (rng.random(count) < _WITH_SUCCESSOR) & active & active[found] & (family != family[found])
    has &= config.viewed_after > 0
    chance = config.viewed_after * rng.uniform(1 - _SPREAD, 1 + _SPREAD, count)
    return np.where(has, found, -1), np.where(has, chance, 0.0)


def _sets(config: SimulatorConfig, catalogue: Catalogue) -> Numbers:
    """Products by set and place. Popular ones are dealt so that every set has one of each quarter of them, the
    more popular the first the less the second, and so on: all sets come up about as often."""
    number = config.products // _PRODUCTS_PER_SET if config.bought_together > 0 else 0
    category = catalogue.products["category"].to_numpy()
    lasting = np.flatnonzero(catalogue.lasting)
    ranked = lasting[np.argsort(-catalogue.popularity[lasting], kind="stable")]
    # Of each family the most popular one.
    ranked = ranked[~catalogue.products["family"].iloc[ranked].duplicated().to_numpy()][: number * SET_SIZE]
    number = len(ranked) // SET_SIZE
    tiers = ranked[: number * SET_SIZE].reshape(SET_SIZE, number)
    sets = np.empty((number, SET_SIZE), dtype=np.int64)
    for tier, some in enumerate(tiers):
        waiting = list(some[:: -1 if tier % 2 else 1].tolist())
        for one in range(number):
            taken = set(category[sets[one, :tier]].tolist())
            chosen = next((product for product in waiting if category[product] not in taken), waiting[0])
            waiting.remove(chosen)
            sets[one, tier] = chosen
    return sets

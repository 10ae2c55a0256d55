"""What the shop has on its shelves: families of variants, and the days on which each product is on sale.

A family is one product in several sizes or colours: the same name, brand, category and nearly the same
price under several item ids. New products come during the history and others are withdrawn; a visit is
offered what is on sale on the day on which it starts, and nothing any more on a product's last day, so that
a visit over midnight neither looks at a product that is gone nor orders it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.config import SimulatorConfig

#: What variants of one family are called, by what sets them apart; sizes cost a little more each.
_SIZES, _CLOTHES_SIZES, _COLOURS = (
    ("小号", "中号", "大号", "加大号"),
    ("S", "M", "L", "XL"),
    ("白色", "黑色", "灰色", "蓝色"),
)
_AXES = (_COLOURS, _SIZES, _CLOTHES_SIZES)
_SIZE_STEP = 0.06  # of the logarithm of the price
MOST_VARIANTS = len(_COLOURS)

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Families:
    """Parallel arrays by product: ``leader``, the first product of its family (itself where it has no
    variants); ``variant``, the name of the variant or None; ``dearer``, added to the logarithm of the
    leader's price."""

    leader: Numbers
    variant: tuple[str | None, ...]
    dearer: NDArray[np.float64]

    @property
    def sizes(self) -> Numbers:
        """How many products each product's family has."""
        return np.bincount(self.leader, minlength=len(self.leader))[self.leader]


def plan_families(config: SimulatorConfig, category: Numbers, clothes: NDArray[np.bool_], categories: int) -> Families:
    """Let ``variant_share`` of the products be another variant of the product before in their category.

    Products are dealt to the categories in turn. Parallel arrays by product: ``category``, and whether its
    sizes are those of clothes. No family has more than ``MOST_VARIANTS``.
    """
    rng, count = config.rng("variants"), len(category)
    joins = rng.random(count) < config.variant_share
    joins[:categories] = False  # the first of each category
    by_colour = rng.random(count) < 0.5
    order = np.argsort(category, kind="stable")
    place = np.arange(count)
    head = np.maximum.accumulate(np.where(joins[order], 0, place))
    nth = place - head
    leader = np.empty(count, dtype=np.int64)
    leader[order] = order[head + nth // MOST_VARIANTS * MOST_VARIANTS]
    number = np.empty(count, dtype=np.int64)
    number[order] = nth % MOST_VARIANTS
    several = np.bincount(leader, minlength=count)[leader] > 1
    axis = np.where(by_colour[leader], 0, np.where(clothes, 2, 1))
    variant = tuple(
        _AXES[which][which_one] if has else None
        for which, which_one, has in zip(axis.tolist(), number.tolist(), several.tolist(), strict=True)
    )
    return Families(leader, variant, np.where(axis > 0, _SIZE_STEP * number, 0.0))


@dataclass(frozen=True)
class ShelfDays:
    """Parallel arrays by product: ``first``, the day of the history from which it is on sale, and ``last``,
    its last day; ``last`` is past the history where it stays, and 0 like ``first`` where it never is on sale."""

    first: Numbers
    last: Numbers

    def offered(self, product: Numbers, day: Numbers) -> NDArray[np.bool_]:
        """Whether visits that start on each day are offered each product."""
        return (day >= self.first[product]) & (day < self.last[product])


def plan_shelf_days(config: SimulatorConfig, active: NDArray[np.bool_], lasting: NDArray[np.bool_]) -> ShelfDays:
    """Draw which products come and go, all through the history; what is ``lasting`` does neither.

    ``active``: whether a product is on sale at all. A history of less than three days is too short for either.
    """
    rng, count = config.rng("shelf days"), len(active)
    fate, when = rng.random(count), rng.random(count)
    changes = active & ~lasting & (config.days >= 3)
    day = 1 + (when * max(config.days - 2, 1)).astype(np.int64)
    goes = changes & (fate < config.withdrawn_share)
    comes = changes & (fate >= 1 - config.new_share) & ~goes
    last = np.where(active, np.where(goes, day, config.days + 1), 0)
    return ShelfDays(np.where(comes, day, 0), last)

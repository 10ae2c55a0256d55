"""Which product each look of a visit is at.

The way through the pages (``paths``) and what is put into the cart (``funnel``) are drawn before, and
nothing here changes them: how many looks there are, and which end in the cart, has nothing to do with what
there is to buy. From the
second look of a visit on, the first of these that applies decides:

1. What a search found matches the words searched for, and is on sale.
2. Once a product of a set was put into the cart, the look is at another one of the set that is not in the cart
   yet, with the chances of ``Affinities``. The set is that of the last such product put into the cart.
3. A look at the category of the visit's first product goes back to that product: the more intent, the likelier.
   For looks that do not end in the cart this comes before 2.
4. After a look at a product with a successor, the look is at that with the pair's chance.
5. Else popularity, the segment's taste and the page's category decide (``Catalogue.draw``).

2. and 4. lead out of the page's category; the visit goes on from the category in which it was.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.affinities import SET_SIZE, Affinities
from ingestion.simulator.catalogue import Catalogue
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.paths import PRODUCT_KIND, SEARCH_KIND
from ingestion.simulator.searches import SearchTerms

#: Why a look is at its product, in the order of the list above.
REASONS = ("found", "bought_together", "second_look", "viewed_after", "category")
FOUND, TOGETHER, SECOND_LOOK, AFTER, OF_CATEGORY = range(len(REASONS))

Numbers = NDArray[np.int64]


def choose_products(
    config: SimulatorConfig,
    catalogue: Catalogue,
    affinities: Affinities,
    terms: SearchTerms,
    visits: pd.DataFrame,
    walked: pd.DataFrame,
    comes_back: NDArray[np.float64],
    in_cart: NDArray[np.bool_],
) -> pd.DataFrame:
    """Give the product pages of ``paths.walk`` their products.

    ``visits``: segment and day of start of each visit; ``comes_back``: by visit, chance that a look at the
    category of the first product goes back to that; ``in_cart``: by product page, in order, whether the
    product is put into the cart. Returns ``walked`` with product and reason (number in ``REASONS``), -1 on
    other pages.
    """
    rows = np.flatnonzero(walked["kind"].to_numpy() == PRODUCT_KIND)
    visit, category, before = (walked[name].to_numpy()[rows] for name in ("visit", "category", "before"))
    day = visits["day"].to_numpy()[visit]
    drawn, found = _offered_to_all(config, catalogue, terms, visits, walked, rows)
    chosen, reason = drawn.copy(), np.where(found, FOUND, OF_CATEGORY)

    opens = np.r_[True, visit[1:] != visit[:-1]][: len(rows)]
    place = np.arange(len(rows))
    first = np.maximum.accumulate(np.where(opens, place, 0))
    number = place - first
    again = (category == category[first]) & ~opens & (before != SEARCH_KIND)
    again &= config.rng("second looks").random(len(rows)) < comes_back[visit]
    rng = config.rng("affinities")
    likely = np.where(in_cart, affinities.together, affinities.looked_at)
    wants_set = (rng.random(len(rows)) < likely) & ~opens & ~found & (in_cart | ~again)
    pick, luck = rng.random(len(rows)), rng.random(len(rows))
    last_set = np.full(len(visits), -1, dtype=np.int64)
    in_set = np.zeros(len(visits), dtype=np.int64)  # bits of the places of the last set that are in the cart
    # The looks of all visits at once, the first of each, then the second …
    by_number = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number, minlength=1)) if len(rows) else np.array([], dtype=np.int64)
    for begin, end in zip(np.r_[0, ends[:-1]].tolist(), ends.tolist(), strict=True):
        now = by_number[begin:end]
        if begin:
            leads = now[wants_set[now] & (last_set[visit[now]] >= 0)]
            mate = _mates(affinities, last_set[visit[leads]], in_set[visit[leads]], pick[leads])
            there = (mate >= 0) & catalogue.shelf.offered(mate, day[leads])
            chosen[leads[there]], reason[leads[there]] = mate[there], TOGETHER
            back = now[again[now] & (reason[now] != TOGETHER)]
            chosen[back], reason[back] = chosen[first[back]], SECOND_LOOK
            rest = now[reason[now] == OF_CATEGORY]
            follower = affinities.successor[chosen[rest - 1]]
            goes = (luck[rest] < affinities.follows[chosen[rest - 1]]) & catalogue.shelf.offered(follower, day[rest])
            chosen[rest[goes]], reason[rest[goes]] = follower[goes], AFTER
        added = now[in_cart[now] & (affinities.set_of[chosen[now]] >= 0)]
        which, bit = affinities.set_of[chosen[added]], 1 << affinities.place[chosen[added]]
        kept = np.where(last_set[visit[added]] == which, in_set[visit[added]], 0)
        last_set[visit[added]], in_set[visit[added]] = which, kept | bit
    product, why = np.full(len(walked), -1, dtype=np.int64), np.full(len(walked), -1, dtype=np.int64)
    product[rows], why[rows] = chosen, reason
    return walked.drop(columns="found").assign(product=product, reason=why)


def _offered_to_all(
    config: SimulatorConfig,
    catalogue: Catalogue,
    terms: SearchTerms,
    visits: pd.DataFrame,
    walked: pd.DataFrame,
    rows: Numbers,
) -> tuple[Numbers, NDArray[np.bool_]]:
    """A product for each look without regard to the other looks, and whether a search found it."""
    rng = config.rng("looks")
    visit, category, term = (walked[name].to_numpy()[rows] for name in ("visit", "category", "found"))
    segment, day = visits["segment"].to_numpy()[visit], visits["day"].to_numpy()[visit]
    found = term >= 0
    product = np.empty(len(rows), dtype=np.int64)
    product[found] = catalogue.draw_found(rng, segment[found], terms.word[term[found]], day[found])
    product[~found] = catalogue.draw(rng, segment[~found], category[~found], day[~found])
    return product, found


def _mates(affinities: Affinities, which: Numbers, in_cart: Numbers, luck: NDArray[np.float64]) -> Numbers:
    """One of each set's products that are not in the cart yet, each as likely; -1 where all are."""
    if len(which) == 0:
        return np.empty(0, dtype=np.int64)
    free = (in_cart[:, None] >> np.arange(SET_SIZE)) & 1 == 0
    rank = np.cumsum(free, axis=1)
    left = rank[:, -1]
    place = np.argmax(free & (rank == (luck * left).astype(np.int64)[:, None] + 1), axis=1)
    return np.where(left > 0, affinities.sets[which, place], -1)

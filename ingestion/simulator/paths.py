"""The way through the shop's pages: a first-order Markov chain with planted probabilities.

How many pages a visit has depends on the person's segment and the visit's intent and is drawn first; each further page
depends on the page before alone. So, among visits that go on, the chance of the next kind of page is
``NEXT`` whatever came earlier, and the chance to stay in the category is ``STAY``. The cart, check-out
and log-out pages come after the chain. Which product a product page shows is drawn after (``looks``), when it is
known what goes into the cart; the chain goes on from the page's category whatever the product's own is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.catalogue import CATEGORIES
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.searches import SearchTerms

PAGE_KINDS = ("home", "category", "product", "search")
HOME_KIND, CATEGORY_KIND, PRODUCT_KIND, SEARCH_KIND = range(len(PAGE_KINDS))

#: Chance of each kind of landing page, and of the next kind by the kind before (rows; they add up to 1).
ENTRY = np.array([0.38, 0.40, 0.18, 0.04])
NEXT = np.array(
    [
        [0.04, 0.44, 0.36, 0.16],
        [0.03, 0.15, 0.76, 0.06],
        [0.05, 0.26, 0.62, 0.07],
        [0.06, 0.16, 0.58, 0.20],
    ]
)
#: A search that finds nothing leads elsewhere: no product can be clicked.
NEXT_AFTER_NOTHING = np.array([0.22, 0.43, 0.0, 0.35])
#: Chance to stay in the category of the page before; elsewhere every other category is as likely.
STAY = {
    (CATEGORY_KIND, CATEGORY_KIND): 0.3,
    (CATEGORY_KIND, PRODUCT_KIND): 1.0,
    (PRODUCT_KIND, CATEGORY_KIND): 0.7,
    (PRODUCT_KIND, PRODUCT_KIND): 0.85,
    (SEARCH_KIND, CATEGORY_KIND): 0.8,
    (SEARCH_KIND, PRODUCT_KIND): 1.0,
}
_FROM_INTEREST = 0.85  # from a page without category: the visit's main interest, else any other
_MOST_PAGES = 90

Numbers = NDArray[np.int64]


def walk(
    config: SimulatorConfig,
    terms: SearchTerms,
    interest: Numbers,
    further: Numbers,
) -> pd.DataFrame:
    """Walk ``further`` pages beyond the landing page in each visit.

    Parallel arrays by visit: main category, number of further pages. Returns one row per page
    in order of visit and step: visit, step (0 the landing page), kind, category (-1 none), term (-1 unless
    a search), found (the term whose results led to a product page, else -1), before (kind of the page
    before, -1 on landing), came_from (row of the page before, -1 on landing).
    """
    rng = config.rng("paths")
    further = np.minimum(further, _MOST_PAGES)
    visit = np.arange(len(further))
    kind = _pick(rng, np.broadcast_to(np.cumsum(ENTRY), (len(visit), len(ENTRY))))
    state = _enter(rng, terms, kind, np.full(len(visit), -1), np.full(len(visit), -1), interest)
    steps = [np.stack([visit, np.zeros_like(visit), kind, *state, np.full(len(visit), -1)])]
    ladders = np.cumsum(np.vstack([NEXT, NEXT_AFTER_NOTHING]), axis=1)
    step = 0
    while True:
        step += 1
        goes_on = further[visit] >= step
        if not goes_on.any():
            break
        visit, before = visit[goes_on], kind[goes_on]
        category, term = (column[goes_on] for column in state)
        nothing = (before == SEARCH_KIND) & (category < 0)
        kind = _pick(rng, ladders[np.where(nothing, len(NEXT), before)])
        # Results lead to what was searched for: a product page keeps the term until its product is drawn.
        found = np.where((before == SEARCH_KIND) & (kind == PRODUCT_KIND), term, -1)
        category, term = _enter(rng, terms, kind, before, category, interest[visit])
        state = (category, np.where(found >= 0, found, term))
        steps.append(np.stack([visit, np.full(len(visit), step), kind, *state, before]))
    names = ["visit", "step", "kind", "category", "term", "before"]
    pages = pd.DataFrame(np.concatenate(steps, axis=1).T, columns=names)
    order = np.argsort(pages["visit"].to_numpy() * 2**10 + pages["step"].to_numpy(), kind="stable")
    pages = pages.take(order).reset_index(drop=True)
    looks, term = pages["kind"].to_numpy() == PRODUCT_KIND, pages["term"].to_numpy()
    return pages.assign(
        term=np.where(looks, -1, term),
        found=np.where(looks, term, -1),
        came_from=np.where(pages["step"] > 0, np.arange(len(pages)) - 1, -1),
    )


def _pick(rng: np.random.Generator, ladders: NDArray[np.float64]) -> Numbers:
    """One number per row of cumulative probabilities."""
    picked: Numbers = (rng.random(len(ladders))[:, None] >= ladders[:, :-1]).sum(axis=1)
    return picked


def _enter(
    rng: np.random.Generator, terms: SearchTerms, kind: Numbers, before: Numbers, category: Numbers, interest: Numbers
) -> tuple[Numbers, Numbers]:
    """Category and search term of the page entered, given the page before and its category."""
    count, size = len(kind), len(CATEGORIES)
    stay = np.full((len(PAGE_KINDS) + 1, len(PAGE_KINDS)), _FROM_INTEREST)
    for pair, planted in STAY.items():
        stay[pair] = planted
    base = np.where(category >= 0, category, interest)
    chance = np.where(category >= 0, stay[before, kind], _FROM_INTEREST)
    other = (base + rng.integers(1, size, count)) % size
    entered = np.where(rng.random(count) < chance, base, other)
    term = np.full(count, -1, dtype=np.int64)
    searches = kind == SEARCH_KIND
    term[searches] = terms.draw(rng, int(searches.sum()))
    entered[searches] = terms.category[term[searches]]
    entered[kind == HOME_KIND] = -1
    return entered, term

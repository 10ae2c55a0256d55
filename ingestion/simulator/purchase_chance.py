"""What the process itself says about purchases: the chance that a visit ends in an order.

Nothing is counted here, everything follows from the planted chances (``intent``, ``paths``): the
number of products looked at in a visit is that of a Markov chain stopped after a geometric number of
pages, so the chance that none of them stays in the cart is its generating function, the solution of
five linear equations (Kemeny and Snell, Finite Markov Chains, 1960, chapter 3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator import intent as chances
from ingestion.simulator import paths
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.interest import GONE, LEVELS
from ingestion.simulator.searches import SearchTerms
from ingestion.simulator.segments import SEGMENTS
from ingestion.simulator.traffic import SOURCES

#: Intents and keennesses at which the chances are worked out; between them they are interpolated.
_INTENTS = np.linspace(-7.0, 7.0, 281)
_KEENNESS = np.linspace(-3.0, 3.0, 121)
_MOODS = 15  # nodes of the Gauss-Hermite rule

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


class PurchaseChances:
    """Chances of orders that the shop's own table holds (test orders are not among them).

    ``kinds_apart``: how far apart the kinds of people are in the shop that the chances are of.
    """

    def __init__(self, config: SimulatorConfig, terms: SearchTerms) -> None:
        self.kinds_apart = config.kinds_apart
        self._kept = 1.0 - config.test_order_share
        nothing = float(terms.probability[terms.category < 0].sum())
        self._cart = np.stack(
            [
                _cart_kept(np.full(len(_INTENTS), number), _INTENTS, nothing, config.kinds_apart)
                for number in range(len(SEGMENTS))
            ]
        )

    def of_visit(self, segment: Numbers, intent: Floats, interest: Floats) -> Floats:
        """Chance of visits, at their start, to end in an order.

        Parallel arrays by visit: segment, intent, interest left (above 0).
        """
        bought = chances.SEE_CART * chances.checkout_chance(intent, interest) * chances.PAY * chances.BUY
        return self.of_cart(segment, intent) * bought * self._kept

    def of_cart(self, segment: Numbers, intent: Floats) -> Floats:
        """Chance of visits, at their start, that something is put into the cart and stays there."""
        found = np.zeros(len(segment))
        for number, chance in enumerate(self._cart):
            found[segment == number] = np.interp(intent[segment == number], _INTENTS, chance)
        return found

    def of_later_visits(self, segment: Numbers, keenness: Floats) -> tuple[Floats, Floats]:
        """Mean chances of people's later visits (after their first) in each state of interest, 0 when gone.

        Parallel arrays by person; returns the chances of a cart and of an order, by person and state. The
        mean is over the sources of returning visits and over moods.
        """
        nodes, weights = np.polynomial.hermite_e.hermegauss(_MOODS)
        share = np.array([source.share_returning for source in SOURCES])
        chance = (share / share.sum())[:, None] * weights / weights.sum()
        shift = chances.source_intent()[:, None] + chances.MOOD * nodes
        cart, order = np.zeros((len(segment), len(LEVELS))), np.zeros((len(segment), len(LEVELS)))
        for number in range(len(SEGMENTS)):
            rows = segment == number
            for state, level in enumerate(LEVELS[:GONE]):
                base = chances.segment_intent(self.kinds_apart)[number] + chances.interest_intent(np.array([level]))
                intent = (_KEENNESS[:, None] + base + shift.ravel()).ravel()
                who = np.full(len(intent), number)
                for found, each in (
                    (cart, self.of_cart(who, intent)),
                    (order, self.of_visit(who, intent, np.full(len(intent), level))),
                ):
                    mean = each.reshape(len(_KEENNESS), -1) @ chance.ravel()
                    found[rows, state] = np.interp(keenness[rows], _KEENNESS, mean)
        return cart, order


def _cart_kept(segment: Numbers, intent: Floats, nothing: float, apart: float) -> Floats:
    """Chance that something stays in the cart; ``nothing`` is the chance that a search finds nothing."""
    kinds = len(paths.PAGE_KINDS)
    # The chain of pages, its search split in two: what was found, and nothing.
    chain = np.vstack([paths.NEXT, paths.NEXT_AFTER_NOTHING])
    chain = np.hstack([chain, chain[:, [paths.SEARCH_KIND]] * nothing])
    chain[:, paths.SEARCH_KIND] *= 1.0 - nothing
    entry = np.append(paths.ENTRY, paths.ENTRY[paths.SEARCH_KIND] * nothing)
    entry[paths.SEARCH_KIND] *= 1.0 - nothing
    misses = np.ones((len(intent), kinds + 1))
    misses[:, paths.PRODUCT_KIND] = 1.0 - chances.cart_chance(segment, intent, apart) * (1.0 - chances.REMOVE)
    # Of one more page and those after it, by the kind before: steps = stop * chain * (misses, then steps).
    stops = 1.0 / chances.further_pages(segment, intent)
    onward = chain * misses[:, None, :]
    further = np.linalg.solve(
        np.eye(kinds + 1) - (1.0 - stops)[:, None, None] * onward, stops[:, None, None] * onward.sum(2)[:, :, None]
    )[:, :, 0]
    goes_on = chances.further_chance(intent)[:, None]
    none: Floats = (entry * misses * (1.0 - goes_on + goes_on * further)).sum(axis=1)
    return 1.0 - none

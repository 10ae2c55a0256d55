"""How much a visit is out to buy, and what that changes in it.

Intent is drawn for each visit and never logged. It adds up from the person's keenness, the segment,
the source, the interest that is left, and the day's mood; about 0 with a spread of about 1. A visit with
intent goes on past the landing page, looks longer and at more, goes back to what it saw first, logs in
early, keeps things for later, puts them into the cart sooner, and does not leave the cart behind.
Every chance that depends on it is here, so that ``purchase_chance`` can tell what they come to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.segments import column
from ingestion.simulator.traffic import SOURCES

#: Spread of keenness among people (usually), and of the mood of visits.
KEENNESS, MOOD = 0.5, 1.0
#: What intent gains from the logarithm of the segment's conversion and of the interest that is left.
_FROM_CONVERSION, _FROM_INTEREST = 0.35, 0.3

_ANYTHING_SEEN = 0.66  # the other visits bounce on the landing page
_PAGES_A_PRODUCT = 1.45  # pages walked for each product that the segment means to look at
_CART = 0.06  # per product looked at, times the segment's conversion
_MOST_CART = 0.3  # or keen visits would fill their carts with all they see
_LISTED, _WISH = 0.66, 0.03
_EARLY_LOGIN, _SECOND_LOOK = 0.18, 0.15
_CHECKOUT = 0.39
#: Chances of the other stages, which nothing changes: a thing put into the cart is taken out again; a
#: cart is looked at; who checks out pays; who pays buys.
REMOVE, SEE_CART, PAY, BUY = 0.12, 0.85, 0.82, 0.88

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def draw_keenness(config: SimulatorConfig, count: int) -> Floats:
    """How much each person's visits are out to buy, against others of the segment."""
    return keenness_spread(config.kinds_apart) * config.rng("keenness").standard_normal(count)


def keenness_spread(apart: float) -> float:
    """Spread of keenness among people of a kind; less where the kinds lie ``apart`` (``segments.kinds``)."""
    return KEENNESS / apart


def draw_intent(
    config: SimulatorConfig, keenness: Floats, segment: Numbers, source: Numbers, interest: Floats
) -> Floats:
    """Intent of visits; parallel arrays: keenness of the person, segment, source, interest left (above 0)."""
    mood = MOOD * config.rng("intent").standard_normal(len(segment))
    return (
        keenness
        + segment_intent(config.kinds_apart)[segment]
        + source_intent()[source]
        + interest_intent(interest)
        + mood
    )


def segment_intent(apart: float) -> Floats:
    """What each segment adds to its visits' intent; ``apart`` as in ``segments.kinds``."""
    return _FROM_CONVERSION * np.log(column("conversion", apart))


def source_intent() -> Floats:
    """What each traffic source adds to its visits' intent."""
    return np.array([source.intent for source in SOURCES])


def interest_intent(interest: Floats) -> Floats:
    """What interest takes away from intent as it fades; ``interest`` above 0."""
    return _FROM_INTEREST * np.log(interest)


def further_chance(intent: Floats) -> Floats:
    """Chance that a visit goes past its landing page."""
    return _shifted(_ANYTHING_SEEN, 0.5 * intent)


def further_pages(segment: Numbers, intent: Floats) -> Floats:
    """Mean number of further pages of visits that go past their landing page; at least 1."""
    mean: Floats = np.maximum(column("steps")[segment] * _PAGES_A_PRODUCT * np.exp(0.15 * intent), 1.0)
    return mean


def cart_chance(segment: Numbers, intent: Floats, apart: float) -> Floats:
    """Chance that a product looked at is put into the cart; ``apart`` as in ``segments.kinds``."""
    chance: Floats = _CART * column("conversion", apart)[segment] ** 0.7 * np.exp(intent)
    return np.minimum(chance, _MOST_CART)


def checkout_chance(intent: Floats, interest: Floats) -> Floats:
    """Chance that a cart that was looked at goes to check-out; less as interest fades."""
    return _shifted(_CHECKOUT, intent + 1.2 * np.log(interest))


def list_chance(intent: Floats) -> Floats:
    """Chance that a category page is read down to its list."""
    return _shifted(_LISTED, intent)


def wish_chance(intent: Floats) -> Floats:
    """Chance that a product looked at is kept for later."""
    return _shifted(_WISH, 1.2 * intent)


def early_login_chance(intent: Floats) -> Floats:
    """Chance that a member logs in at once."""
    return _shifted(_EARLY_LOGIN, 1.2 * intent)


def second_look_chance(intent: Floats) -> Floats:
    """Chance that a look at the category of the visit's first product goes back to that product."""
    return _shifted(_SECOND_LOOK, 0.85 * intent)


def patience(intent: Floats) -> Floats:
    """Factor of the time spent on pages."""
    factor: Floats = np.exp(0.6 * intent)
    return factor


def _shifted(chance: float, by: Floats) -> Floats:
    """A chance moved on the logistic scale."""
    return 1.0 / (1.0 + (1.0 - chance) / chance * np.exp(-by))

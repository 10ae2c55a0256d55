"""What people do in a visit: the way from the landing page to the order.

Events get an order inside their visit here (``rank``) and a time in ``timing``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator import events as ev
from ingestion.simulator import intent as chances
from ingestion.simulator.accounts import LogIns, plan_log_ins
from ingestion.simulator.affinities import Affinities
from ingestion.simulator.catalogue import Catalogue
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.events import event_table
from ingestion.simulator.looks import choose_products
from ingestion.simulator.pages import ACCOUNT_PAGE, BYE_PAGE, CART_PAGE, CHECKOUT_PAGE, DONE_PAGE, HOME, Pages
from ingestion.simulator.paths import CATEGORY_KIND, HOME_KIND, PRODUCT_KIND, SEARCH_KIND, walk
from ingestion.simulator.people import PAYMENT_METHODS, Population
from ingestion.simulator.searches import SearchTerms

# rank = step * _STEP + place in the step; step 0 is the landing, _END the cart and check-out, _OUT the log-out.
_STEP, _END, _OUT = 16, 10_000, 20_000
_CLICK = 0.85
_QUANTITIES = (0.84, 0.12, 0.04)
_EARLY_LEAVE = 0.5  # log-outs of visits without check-out that happen on the way

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Browsing:
    """What people did.

    ``events``: event table with ``rank`` and ``pace`` (0 page, 1 companion of the event before,
    2 action). ``walked``: the pages of every visit (see ``paths.walk``) with their products (``looks``).
    ``carts``: live cart lines (visit, product, quantity) by visit and moment. ``buys``: visits that end
    in an order; ``log_ins``: flags per visit; ``known_from``, ``known_until``: ranks between which (the
    second excluded) a visit's events carry the customer id.
    """

    events: pd.DataFrame
    walked: pd.DataFrame
    carts: pd.DataFrame
    buys: Numbers
    log_ins: LogIns
    known_from: Numbers
    known_until: Numbers


def browse(
    config: SimulatorConfig,
    population: Population,
    catalogue: Catalogue,
    affinities: Affinities,
    terms: SearchTerms,
    pages: Pages,
    visits: pd.DataFrame,
) -> Browsing:
    """Play every visit of ``visits`` (people only, ordered by start) through the funnel."""
    rng = config.rng("funnel")
    count = len(visits)
    segment = visits["segment"].to_numpy()
    intent = visits["intent"].to_numpy()
    goes_on = rng.random(count) < chances.further_chance(intent)
    further = np.where(goes_on, rng.geometric(1 / chances.further_pages(segment, intent)), 0)
    walked = walk(config, terms, visits["category"].to_numpy(), further)
    luck = rng.random((3, len(walked)))
    looked_in = walked.loc[walked["kind"] == PRODUCT_KIND, "visit"].to_numpy()
    # Before it is known at which product each look is: the chance depends on the visit alone.
    in_cart = rng.random(len(looked_in)) < chances.cart_chance(segment, intent, config.kinds_apart)[looked_in]
    comes_back = chances.second_look_chance(intent)
    walked = choose_products(config, catalogue, affinities, terms, visits, walked, comes_back, in_cart)
    parts = _looking(luck, pages, walked, intent)
    adds = walked[walked["kind"] == PRODUCT_KIND][in_cart].assign(
        quantity=rng.choice(3, int(in_cart.sum()), p=_QUANTITIES) + 1
    )
    parts.append(
        _rows(
            adds["visit"], adds["step"], 8, ev.CART_ADD, 2,
            product=adds["product"], quantity=adds["quantity"], page=pages.product(adds["product"].to_numpy()),
        )
    )  # fmt: skip
    # What was added at one look is kept or taken out as a whole, whatever other looks at the product added.
    gone = rng.random(len(adds)) < chances.REMOVE
    parts.append(
        _rows(
            adds["visit"][gone], _END, 0, ev.CART_REMOVE, 2,
            product=adds["product"][gone], quantity=adds["quantity"][gone], page=CART_PAGE,
        )
    )  # fmt: skip
    carts = adds[~gone].groupby(["visit", "product"], as_index=False, sort=False)[["quantity"]].sum()

    has_cart = np.zeros(count, dtype=bool)
    has_cart[carts["visit"].to_numpy()] = True
    sees = has_cart & (rng.random(count) < chances.SEE_CART)
    checks_out = sees & (rng.random(count) < chances.checkout_chance(intent, visits["interest"].to_numpy()))
    pays = checks_out & (rng.random(count) < chances.PAY)
    buys = pays & (rng.random(count) < chances.BUY)
    method = _pay_with(config, population.people["pays_with"].to_numpy()[visits["person"].to_numpy()])
    log_ins = plan_log_ins(config, visits, population, checks_out)
    parts += _checkout(sees, checks_out, pays, buys, method)
    known_from, log_in_rows = _identity(log_ins, count)
    leaves_early = ~has_cart & (rng.random(count) < _EARLY_LEAVE)
    after = 1 + (rng.random(count) * np.maximum(further, 1)).astype(np.int64)
    known_until = np.where(leaves_early, after, _OUT) * _STEP
    known_until[~log_ins.log_out] = np.iinfo(np.int64).max
    says_bye = np.flatnonzero(log_ins.log_out & ~leaves_early)
    parts.append(_rows(says_bye, _OUT, 0, ev.PAGE, 0, page=BYE_PAGE))
    events = pd.concat(parts + log_in_rows, ignore_index=True)
    return Browsing(events, walked, carts, np.flatnonzero(buys), log_ins, known_from, known_until)


def _pay_with(config: SimulatorConfig, preferred: Numbers) -> Numbers:
    """The preferred payment method with ``payment_fidelity``, else one of the others."""
    rng = config.rng("payments of visits")
    other = (preferred + rng.integers(1, len(PAYMENT_METHODS), len(preferred))) % len(PAYMENT_METHODS)
    return np.where(rng.random(len(preferred)) < config.payment_fidelity, preferred, other)


def _rows(
    visit: Numbers | pd.Series, step: Numbers | pd.Series | int, place: int, kind: int, pace: int = 0,
    **columns: Numbers | pd.Series | int,
) -> pd.DataFrame:  # fmt: skip
    """Event rows at a place of their visits."""
    table = event_table(
        len(visit), visit=np.asarray(visit), kind=kind, **{k: np.asarray(v) for k, v in columns.items()}
    )
    return table.assign(rank=np.asarray(step) * _STEP + place, pace=pace)


def _looking(
    luck: NDArray[np.float64], pages: Pages, walked: pd.DataFrame, intent: NDArray[np.float64]
) -> list[pd.DataFrame]:
    """The pages walked, with the lists, searches, clicks and product looks that go with them.

    ``luck``: numbers between 0 and 1 for lists, clicks and wishes, by page.
    """
    count = len(walked)
    visit, step, kind, product, term = (
        walked[name].to_numpy() for name in ("visit", "step", "kind", "product", "term")
    )
    address = np.select(
        [kind == HOME_KIND, kind == CATEGORY_KIND, kind == PRODUCT_KIND],
        [HOME, pages.category(walked["category"].to_numpy()), pages.product(product)],
        pages.search(term),
    )
    looks, before = kind == PRODUCT_KIND, walked["before"].to_numpy()
    listed = (kind == CATEGORY_KIND) & (luck[0] < chances.list_chance(intent)[visit])
    from_list = looks & ((before == CATEGORY_KIND) | (before == SEARCH_KIND))
    click = from_list & (luck[1] < _CLICK)
    wish = looks & (luck[2] < chances.wish_chance(intent)[visit])
    clicked_on = address[walked["came_from"].to_numpy()]

    def rows(mask: Mask | slice, place: int, kind: int, pace: int, page: Numbers, **columns: Numbers) -> pd.DataFrame:
        some = {name: values[mask] for name, values in columns.items()}
        return _rows(visit[mask], step[mask], place, kind, pace, page=page[mask], **some)

    one = np.ones(count, dtype=np.int64)
    return [
        rows(click, 0, ev.CLICK, 2, clicked_on, product=product, quantity=one),
        rows(slice(None), 1, ev.PAGE, 0, address),
        rows(listed, 2, ev.LIST, 1, address),
        rows(kind == SEARCH_KIND, 3, ev.FIND, 1, address, word=term),
        rows(looks, 5, ev.PRODUCT, 1, address, product=product, quantity=one),
        rows(wish, 6, ev.FAV, 2, address, product=product, quantity=one),
    ]


def _checkout(sees: Mask, checks_out: Mask, pays: Mask, buys: Mask, method: Numbers) -> list[pd.DataFrame]:
    """From the cart page to the order; each stage is a subset of the one before."""
    cart, check, pay, buy = (np.flatnonzero(mask) for mask in (sees, checks_out, pays, buys))
    return [
        _rows(cart, _END, 2, ev.PAGE, 0, page=CART_PAGE),
        _rows(cart, _END, 3, ev.CART, 1, page=CART_PAGE),
        _rows(check, _END, 5, ev.PAGE, 0, page=CHECKOUT_PAGE),
        _rows(check, _END, 6, ev.CHECKOUT, 1, page=CHECKOUT_PAGE),
        _rows(pay, _END, 7, ev.PAY, 2, page=CHECKOUT_PAGE, pay=method[pay]),
        _rows(buy, _END, 8, ev.PAGE, 0, page=DONE_PAGE),
        _rows(buy, _END, 9, ev.ORDER, 1, page=DONE_PAGE, pay=method[buy]),
    ]


def _identity(log_ins: LogIns, count: int) -> tuple[Numbers, list[pd.DataFrame]]:
    """The log-in and sign-up events, and the rank from which each visit's events carry the customer."""
    early, checkout = 9, _END * _STEP + 4
    known_from = np.full(count, np.iinfo(np.int64).max)
    known_from[log_ins.remembered] = 0
    known_from[log_ins.login_early | log_ins.sign_up_early] = early
    known_from[log_ins.login_checkout | log_ins.sign_up_checkout] = checkout
    return known_from, [
        _rows(np.flatnonzero(log_ins.login_early), 0, early, ev.LOGIN, 2, page=ACCOUNT_PAGE),
        _rows(np.flatnonzero(log_ins.sign_up_early), 0, early, ev.REGISTER, 2, page=ACCOUNT_PAGE),
        _rows(np.flatnonzero(log_ins.login_checkout), _END, 4, ev.LOGIN, 2, page=ACCOUNT_PAGE),
        _rows(np.flatnonzero(log_ins.sign_up_checkout), _END, 4, ev.REGISTER, 2, page=ACCOUNT_PAGE),
    ]

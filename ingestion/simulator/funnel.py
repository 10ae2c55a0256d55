"""What people do in a visit: the way from the landing page to the order.

Events get an order inside their visit here (``rank``) and a time in ``timing``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator import events as ev
from ingestion.simulator.accounts import LogIns, plan_log_ins
from ingestion.simulator.catalogue import CATEGORIES, Catalogue
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.events import event_table
from ingestion.simulator.pages import ACCOUNT_PAGE, CART_PAGE, CHECKOUT_PAGE, DONE_PAGE, HOME, Pages
from ingestion.simulator.people import Population
from ingestion.simulator.segments import column

# rank = step * _STEP + place in the step; step 0 is the landing, _END the cart and check-out.
_STEP, _END = 16, 10_000
_ANYTHING_SEEN = 0.66  # the other visits bounce on the landing page
_LIST, _SEARCH, _CLICK, _WISH = 0.45, 0.12, 0.7, 0.03
_CART = 0.11  # per product looked at, times the segment's conversion
_REMOVE, _SEE_CART, _CHECKOUT, _PAY, _BUY = 0.12, 0.85, 0.5, 0.82, 0.88
_QUANTITIES = (0.84, 0.12, 0.04)
PAYMENT_METHODS = ("alipay", "wechat_pay", "union_pay", "card")

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Browsing:
    """What people did.

    ``events``: event table with ``rank`` and ``pace`` (0 page, 1 companion of the event before,
    2 action). ``carts``: live cart lines (visit, product, quantity) by visit and moment.
    ``buys``: visits that end in an order; ``log_ins``: one flag set per visit; ``known_from``: rank
    from which a visit's events carry the customer id.
    """

    events: pd.DataFrame
    carts: pd.DataFrame
    buys: Numbers
    log_ins: LogIns
    known_from: Numbers


def browse(
    config: SimulatorConfig, population: Population, catalogue: Catalogue, pages: Pages, visits: pd.DataFrame
) -> Browsing:
    """Play every visit of ``visits`` (people only, ordered by start) through the funnel."""
    rng = config.rng("funnel")
    count = len(visits)
    segment = visits["segment"].to_numpy()
    category = visits["category"].to_numpy()
    on_home = rng.random(count) < 0.4
    parts = [
        _rows(np.arange(count), 0, 0, ev.PAGE, page=np.where(on_home, HOME, pages.category(category))),
    ]
    steps = np.where(rng.random(count) < _ANYTHING_SEEN, rng.geometric(1 / column("steps")[segment]), 0)
    steps = np.minimum(steps, 60)
    step = _steps(rng, catalogue, segment, category, steps)
    parts += _looking(rng, pages, step)

    in_cart = rng.random(len(step)) < np.minimum(_CART * column("conversion")[segment][step["visit"]], 0.9)
    adds = step[in_cart].assign(quantity=rng.choice(3, int(in_cart.sum()), p=_QUANTITIES) + 1)
    parts.append(
        _rows(
            adds["visit"], adds["step"], 8, ev.CART_ADD, 2,
            product=adds["product"], quantity=adds["quantity"], page=pages.product(adds["product"].to_numpy()),
        )
    )  # fmt: skip
    lines = adds.groupby(["visit", "product"], as_index=False, sort=False)["quantity"].sum()
    gone = rng.random(len(lines)) < _REMOVE
    parts.append(
        _rows(
            lines["visit"][gone], _END, 0, ev.CART_REMOVE, 2,
            product=lines["product"][gone], quantity=lines["quantity"][gone], page=CART_PAGE,
        )
    )  # fmt: skip
    carts = lines[~gone].reset_index(drop=True)

    has_cart = np.zeros(count, dtype=bool)
    has_cart[carts["visit"].to_numpy()] = True
    sees = has_cart & (rng.random(count) < _SEE_CART)
    checks_out = sees & (rng.random(count) < _CHECKOUT)
    pays = checks_out & (rng.random(count) < _PAY)
    buys = pays & (rng.random(count) < _BUY)
    method = rng.choice(len(PAYMENT_METHODS), count, p=[0.46, 0.4, 0.06, 0.08])
    log_ins = plan_log_ins(config, visits, population.people["registered_before"].to_numpy(), checks_out)
    parts += _checkout(sees, checks_out, pays, buys, method)
    known_from, log_in_rows = _identity(log_ins, count)
    return Browsing(pd.concat(parts + log_in_rows, ignore_index=True), carts, np.flatnonzero(buys), log_ins, known_from)


def _rows(
    visit: Numbers | pd.Series, step: Numbers | pd.Series | int, place: int, kind: int, pace: int = 0,
    **columns: Numbers | pd.Series | int,
) -> pd.DataFrame:  # fmt: skip
    """Event rows at a place of their visits."""
    table = event_table(
        len(visit), visit=np.asarray(visit), kind=kind, **{k: np.asarray(v) for k, v in columns.items()}
    )
    return table.assign(rank=np.asarray(step) * _STEP + place, pace=pace)


def _steps(
    rng: np.random.Generator, catalogue: Catalogue, segment: Numbers, category: Numbers, steps: Numbers
) -> pd.DataFrame:
    """One row per product looked at: visit, step (from 1), category, product."""
    visit = np.repeat(np.arange(len(steps)), steps)
    number = np.arange(len(visit)) - np.repeat(np.cumsum(steps) - steps, steps) + 1
    strays = rng.random(len(visit)) < 0.25
    shown = np.where(strays, rng.integers(0, len(CATEGORIES), len(visit)), category[visit])
    product = catalogue.draw(rng, segment[visit], shown)
    return pd.DataFrame({"visit": visit, "step": number, "category": shown, "product": product})


def _looking(rng: np.random.Generator, pages: Pages, step: pd.DataFrame) -> list[pd.DataFrame]:
    """Lists, searches, clicks and product pages of every step."""
    count = len(step)
    search = rng.random(count) < _SEARCH
    listed = ~search & (rng.random(count) < _LIST)
    click = (search | listed) & (rng.random(count) < _CLICK)
    wish = rng.random(count) < _WISH
    word = pages.draw_word(rng, step["category"].to_numpy())
    list_page = np.where(search, pages.search(word), pages.category(step["category"].to_numpy()))
    product_page = pages.product(step["product"].to_numpy())

    def rows(mask: Mask | slice, place: int, kind: int, pace: int, page: Numbers, **columns: Numbers) -> pd.DataFrame:
        chosen = step[mask]
        some = {name: values[mask] for name, values in columns.items()}
        return _rows(chosen["visit"], chosen["step"], place, kind, pace, page=page[mask], **some)

    product = step["product"].to_numpy()
    one = np.ones(count, dtype=np.int64)
    return [
        rows(search | listed, 0, ev.PAGE, 0, list_page),
        rows(listed, 1, ev.LIST, 1, list_page),
        rows(search, 2, ev.FIND, 1, list_page, word=word),
        rows(click, 3, ev.CLICK, 2, list_page, product=product, quantity=one),
        rows(slice(None), 4, ev.PAGE, 0, product_page),
        rows(slice(None), 5, ev.PRODUCT, 1, product_page, product=product, quantity=one),
        rows(wish, 6, ev.FAV, 2, product_page, product=product, quantity=one),
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

"""Orders with their lines, and what becomes of them: cancelled, refunded, untracked, reloaded, tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ingestion.simulator import events as ev
from ingestion.simulator.catalogue import Catalogue
from ingestion.simulator.clock import DAY, SECOND, ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.discounts import Coupon

_FREE_SHIPPING_FROM, _SHIPPING = 99, 8  # major units
_TAX_PERCENT = 13
REFUND_REASONS = ("尺码不合适", "商品破损", "与描述不符", "不想要了")


@dataclass(frozen=True)
class Orders:
    """What the shop's own system knows; amounts in minor units, instants in microseconds UTC.

    ``orders``: order_id, visit, ts, customer (-1 guest), coupon (number in ``list_coupons``
    or -1), pay, subtotal, discount, shipping, tax, value, cancelled_at (-1), refunded, tracked,
    server_side (the backend posted the purchase event), is_test.
    ``lines``: order (row of orders), line, product, version, quantity, price, discount.
    ``refunds``: order, line (-1: whole order), ts, quantity (-1), amount, reason.
    """

    orders: pd.DataFrame
    lines: pd.DataFrame
    refunds: pd.DataFrame


def place_orders(
    config: SimulatorConfig,
    clock: ShopClock,
    catalogue: Catalogue,
    coupons: tuple[Coupon, ...],
    coupon: np.ndarray,
    visits: pd.DataFrame,
    events: pd.DataFrame,
    carts: pd.DataFrame,
) -> tuple[Orders, pd.DataFrame]:
    """Turn purchase events and live carts into orders; ``coupon`` is the number each visit would use.

    Returns the orders and the priced cart lines of every visit (visit, line, product, version,
    quantity, price, discount); an order's lines are those of its visit.
    """
    rng = config.rng("orders")
    bought = events[events["kind"] == ev.ORDER].sort_values(["ts", "visit"], kind="stable")
    visit = bought["visit"].to_numpy()
    priced = _price_carts(catalogue, coupons, visits, coupon, carts)

    order_of_visit = np.full(len(visits), -1, dtype=np.int64)
    order_of_visit[visit] = np.arange(len(visit))
    lines = priced.assign(order=order_of_visit[priced["visit"].to_numpy()])
    lines = lines[lines["order"] >= 0].sort_values(["order", "line"], ignore_index=True).drop(columns="visit")
    gross = lines["price"] * lines["quantity"]
    subtotal = np.bincount(lines["order"], gross, len(visit)).astype(np.int64)
    discount = np.bincount(lines["order"], lines["discount"], len(visit)).astype(np.int64)
    unit = 10**config.exponent
    shipping = np.where(subtotal >= _FREE_SHIPPING_FROM * unit, 0, _SHIPPING * unit)
    value = subtotal - discount + shipping
    fate = rng.random(len(visit))
    day = clock.day(bought["ts"].to_numpy())
    orders = pd.DataFrame(
        {
            "order_id": [f"SO{clock.date_of(d):%Y%m%d}{n:07d}" for n, d in enumerate(day, start=1)],
            "visit": visit,
            "ts": bought["ts"].to_numpy(),
            "customer": bought["customer"].to_numpy(),
            "coupon": np.where(discount > 0, coupon[visit], -1),
            "pay": bought["pay"].to_numpy(),
            "subtotal": subtotal,
            "discount": discount,
            "shipping": shipping,
            "tax": value - np.round(value * 100 / (100 + _TAX_PERCENT)).astype(np.int64),
            "value": value,
            "tracked": fate >= config.untracked_share,
            "server_side": config.rng("server side").random(len(visit)) < config.server_side_share,
            "is_test": fate >= 1 - config.test_order_share,
        }
    )
    return _settle(config, rng, clock.midnight(config.days), orders, lines), priced


def _price_carts(
    catalogue: Catalogue,
    coupons: tuple[Coupon, ...],
    visits: pd.DataFrame,
    coupon: np.ndarray,
    carts: pd.DataFrame,
) -> pd.DataFrame:
    """Cart lines with the prices of the visit's start and the coupon's discount."""
    visit = carts["visit"].to_numpy()
    version = catalogue.version_at(carts["product"].to_numpy(), visits["start"].to_numpy()[visit])
    price = catalogue.versions["price"].to_numpy()[version]
    percent = np.array([one.percent_off for one in coupons] + [0])[coupon[visit]]
    lines = carts.assign(version=version, price=price, discount=price * carts["quantity"].to_numpy() * percent // 100)
    return lines.assign(line=lines.groupby("visit").cumcount())


def _settle(
    config: SimulatorConfig, rng: np.random.Generator, end: int, orders: pd.DataFrame, lines: pd.DataFrame
) -> Orders:
    """Cancellations within a day and refunds days to weeks later, as far as they happen before ``end``."""
    count = len(orders)
    ts, real = orders["ts"].to_numpy(), ~orders["is_test"].to_numpy()
    cancelled_at = ts + rng.integers(600 * SECOND, 20 * 3600 * SECOND, count) // 1000 * 1000
    cancelled = real & (rng.random(count) < config.cancel_share) & (cancelled_at < end)
    delay = np.clip(rng.lognormal(np.log(8), 0.7, count), 2, 45) * DAY
    refunded_at = ts + delay.astype(np.int64) // 1000 * 1000
    refunded = real & ~cancelled & (rng.random(count) < config.refund_share) & (refunded_at < end)
    partial = rng.random(count) < config.partial_refund_share
    luck = rng.random(count)
    reason = rng.integers(0, len(REFUND_REASONS), count)

    row = np.flatnonzero(refunded)
    sizes = np.bincount(lines["order"], minlength=count)
    first_line = np.cumsum(sizes) - sizes
    picked = lines.take(first_line[row] + (luck[row] * sizes[row]).astype(np.int64)).reset_index(drop=True)
    units = 1 + (luck[row] * 7919 % 1 * picked["quantity"].to_numpy()).astype(np.int64)
    part = picked["price"].to_numpy() * units - picked["discount"].to_numpy() * units // picked["quantity"].to_numpy()
    one = partial[row]
    refunds = pd.DataFrame(
        {
            "order": row,
            "line": np.where(one, picked["line"].to_numpy(), -1),
            "ts": refunded_at[row],
            "quantity": np.where(one, units, -1),
            "amount": np.where(one, part, orders["value"].to_numpy()[row]),
            "reason": reason[row],
        }
    ).sort_values(["ts", "order"], kind="stable", ignore_index=True)
    total = np.bincount(refunds["order"], refunds["amount"], count).astype(np.int64)
    return Orders(orders.assign(cancelled_at=np.where(cancelled, cancelled_at, -1), refunded=total), lines, refunds)


def plan_order_events(config: SimulatorConfig, orders: Orders, events: pd.DataFrame, end: int) -> pd.DataFrame:
    """Events that follow orders: reloads of the order page, and the shop's refunds and cancellations.

    ``payload`` is the row of ``orders.orders`` (reload, cancel) or of ``orders.refunds`` (refund).
    Events of the shop's own systems (visit -1) have neither device nor customer: they name the order.
    """
    rng = config.rng("reloads")
    table = orders.orders
    again = table["ts"].to_numpy() + rng.integers(5 * SECOND, 1500 * SECOND, len(table)) // 1000 * 1000
    by_browser = (table["tracked"] & ~table["server_side"]).to_numpy()
    chosen = (rng.random(len(table)) < config.reload_share) & by_browser & (again < end)
    row = np.flatnonzero(chosen)
    bought = events[events["kind"] == ev.ORDER].set_index("visit").loc[table["visit"].to_numpy()[row]]
    reloads = bought.reset_index()[list(ev.COLUMNS)].assign(ts=again[row], payload=row)
    cancels = np.flatnonzero(table["cancelled_at"].to_numpy() >= 0)
    refunds = orders.refunds
    return pd.concat(
        [
            reloads,
            ev.event_table(
                len(cancels), kind=ev.ORDER_CANCEL, ts=table["cancelled_at"].to_numpy()[cancels], payload=cancels
            ),
            ev.event_table(
                len(refunds), kind=ev.ORDER_REFUND, ts=refunds["ts"].to_numpy(), payload=np.arange(len(refunds))
            ),
        ],
        ignore_index=True,
    )

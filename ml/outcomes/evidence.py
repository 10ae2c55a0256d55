"""What stands behind a reason, in words: "last order 83 days ago, usual gap 21 days", in English and Chinese.

Facts, not judgements: whether a fact pushes a probability up is the model's to say. Money is told in
multiples of the typical customer's, which means the same in every currency.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd

#: One customer's features by name; a feature that is unknown or was never logged is NaN.
Facts = Mapping[str, float]


class Words(NamedTuple):
    """One piece of evidence in both languages."""

    en: str
    zh: str


def evidence(concept: str, rows: pd.DataFrame, typical: Facts) -> list[Words]:
    """The facts about ``concept`` for each of ``rows`` (numeric columns), in order.

    ``typical`` holds the usual customer's values. Raises ``KeyError`` for an unknown concept.
    """
    tell = _TELLERS[concept]
    needed = [name for name in _READ[concept] if name in rows.columns]
    values = rows[needed].to_numpy(dtype=float, na_value=math.nan)
    absent = dict.fromkeys(_READ[concept], math.nan)
    return [tell({**absent, **dict(zip(needed, row, strict=True))}, typical) for row in values]


def _recency(one: Facts, typical: Facts) -> Words:
    since, gap = one["days_since_last_order"], one["mean_gap_days"]
    if math.isnan(since):
        return Words("no order yet", "尚无订单")
    if math.isnan(gap):
        return Words(f"last order {_days(since)} ago, only one so far", f"上次下单 {since:.0f} 天前，至今仅一次")
    return Words(
        f"last order {_days(since)} ago, usual gap {_days(gap)}", f"上次下单 {since:.0f} 天前，通常间隔 {gap:.0f} 天"
    )


def _visits(one: Facts, typical: Facts) -> Words:
    late, whole, since = one["sessions_30d"], one["sessions_90d"], one["days_since_active"]
    if not math.isnan(late + whole) and whole > 0:
        before = whole - late
        return Words(
            f"{_count(late, 'visit')} in the last 30 days, {before:.0f} in the 60 days before",
            f"近 30 天访问 {late:.0f} 次，之前 60 天 {before:.0f} 次",
        )
    if math.isnan(since):
        return Words("no visit on record", "没有访问记录")
    return Words(f"last visit {_days(since)} ago", f"上次访问 {since:.0f} 天前")


def _carts(one: Facts, typical: Facts) -> Words:
    left, adds = one["cart_days_without_order_90d"], one["cart_adds_30d"]
    if not left > 0 and not adds > 0:
        return Words("nothing put into the cart in the last 30 days", "近 30 天没有加购")
    left, adds = (0.0 if math.isnan(value) else value for value in (left, adds))
    return Words(
        f"{_count(adds, 'cart add')} in the last 30 days, carts left on {_days(left)} of the last 90",
        f"近 30 天加购 {adds:.0f} 次，近 90 天有 {left:.0f} 天加购未下单",
    )


def _breadth(one: Facts, typical: Facts) -> Words:
    wanted = one["categories_wanted_90d"]
    wanted = 0.0 if math.isnan(wanted) else wanted
    named = "category" if wanted == 1 else "categories"
    return Words(f"{wanted:.0f} {named} wanted in the last 90 days", f"近 90 天想要的品类 {wanted:.0f} 个")


def _discounts(one: Facts, typical: Facts) -> Words:
    share = one["discounted_share_of_orders"]
    if math.isnan(share):
        return Words("no order with a known discount", "没有已知优惠的订单")
    return Words(f"{share:.0%} of orders with a discount", f"{share:.0%} 的订单使用了优惠")


def _refunds(one: Facts, typical: Facts) -> Words:
    back, cancelled = one["refund_share"], one["cancelled_order_share"]
    back, cancelled = (0.0 if math.isnan(value) else value for value in (back, cancelled))
    return Words(
        f"{back:.0%} of spend taken back, {cancelled:.0%} of orders cancelled",
        f"退款占消费额 {back:.0%}，{cancelled:.0%} 的订单被取消",
    )


def _frequency(one: Facts, typical: Facts) -> Words:
    orders, late, days = one["orders_placed"], one["orders_placed_90d"], one["days_since_first_order"]
    if math.isnan(orders):
        return Words("number of orders is not known", "下单次数未知")
    en, zh = f"{_count(orders, 'order')} so far", f"累计下单 {orders:.0f} 次"
    if not math.isnan(days):
        en, zh = f"{_count(orders, 'order')} in {_days(days)}", f"{days:.0f} 天内下单 {orders:.0f} 次"
    if not math.isnan(late):
        en, zh = f"{en}, {late:.0f} in the last 90", f"{zh}，近 90 天 {late:.0f} 次"
    return Words(en, zh)


def _money(one: Facts, typical: Facts) -> Words:
    net, usual = one["net_revenue_minor"], typical.get("net_revenue_minor", math.nan)
    if math.isnan(net):
        return Words("spend is not known", "消费额未知")
    if net <= 0:
        return Words("nothing spent net of refunds", "扣除退款后消费额为零")
    if math.isnan(usual) or usual <= 0:
        return Words("has spent money net of refunds", "扣除退款后有消费")
    times = net / usual
    told = f"{times:.1f}" if times < 10 else f"{times:.0f}"
    return Words(f"spent {told} times what the typical customer did", f"消费额为一般顾客的 {told} 倍")


def _tenure(one: Facts, typical: Facts) -> Words:
    first = one["days_since_first_order"]
    if math.isnan(first):
        first = one["tenure_days"]
        if math.isnan(first):
            return Words("not known since when", "起始时间未知")
        return Words(f"known for {_days(first)}", f"认识 {first:.0f} 天")
    return Words(f"first order {_days(first)} ago", f"首次下单 {first:.0f} 天前")


def _days(value: float) -> str:
    return _count(value, "day")


def _count(value: float, noun: str) -> str:
    number = f"{value:.0f}"
    return f"{number} {noun}" if number == "1" else f"{number} {noun}s"


_TELLERS: dict[str, Callable[[Facts, Facts], Words]] = {
    "recency": _recency,
    "visits": _visits,
    "carts": _carts,
    "breadth": _breadth,
    "discounts": _discounts,
    "refunds": _refunds,
    "frequency": _frequency,
    "money": _money,
    "tenure": _tenure,
}
_READ: dict[str, tuple[str, ...]] = {
    "recency": ("days_since_last_order", "mean_gap_days"),
    "visits": ("sessions_30d", "sessions_90d", "days_since_active"),
    "carts": ("cart_days_without_order_90d", "cart_adds_30d"),
    "breadth": ("categories_wanted_90d",),
    "discounts": ("discounted_share_of_orders",),
    "refunds": ("refund_share", "cancelled_order_share"),
    "frequency": ("orders_placed", "orders_placed_90d", "days_since_first_order"),
    "money": ("net_revenue_minor",),
    "tenure": ("days_since_first_order", "tenure_days"),
}

"""What a churn probability means for the shop: a band of risk, and what to do, given what the customer is worth.

A band is about odds, so that it means the same in a shop that loses a third of its customers in a horizon and
in one that loses nine tenths: high is at least twice the shop's usual odds of no purchase, low at most half of
them. Probabilities are calibrated, so a band can be checked: the evaluation has each band's share that came true.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.intervals import Floats

HIGH, MEDIUM, LOW = "high", "medium", "low"
#: Times the shop's usual odds at which high risk begins; low risk ends at its inverse.
ODDS_RATIO = 2.0
#: Value tiers by net revenue among the scored customers: the best third, the next, and the rest.
TOP, MIDDLE, SMALL = "top", "middle", "small"


class Bands(NamedTuple):
    """Probabilities at which low risk ends and high risk begins."""

    low_until: float
    high_from: float


class Action(NamedTuple):
    """A suggestion in both languages."""

    en: str
    zh: str


ACTIONS: dict[tuple[str, str], Action] = {
    (HIGH, TOP): Action("Call or write in person, with an offer made for them", "专人联系，提供专属优惠"),
    (HIGH, MIDDLE): Action("Win back with a time-limited coupon", "发放限时召回券"),
    (HIGH, SMALL): Action("One automatic win-back mail, no discount", "自动召回邮件一次，不打折"),
    (MEDIUM, TOP): Action("Invite early to new items, remind of loyalty benefits", "新品优先邀请，提醒会员权益"),
    (MEDIUM, MIDDLE): Action("Remind of items viewed and bought, small incentive", "提醒浏览和买过的商品，小额激励"),
    (MEDIUM, SMALL): Action("Regular newsletter", "常规资讯推送"),
    (LOW, TOP): Action("Thank them, ask for a review or referral; no discount", "致谢并邀请评价或推荐，不打折"),
    (LOW, MIDDLE): Action("Suggest matching items", "推荐搭配商品"),
    (LOW, SMALL): Action(
        "Suggest a larger basket: bundles, free shipping from an amount", "引导凑单：组合装、满额包邮"
    ),
}


def bands(base_rate: float) -> Bands:
    """The limits for a shop where ``base_rate`` (between 0 and 1) of the customers do not buy in the horizon."""
    odds = base_rate / (1 - base_rate)
    low, high = odds / ODDS_RATIO, odds * ODDS_RATIO
    return Bands(low / (1 + low), high / (1 + high))


def risk_band(probability: Floats, limits: Bands) -> npt.NDArray[np.object_]:
    """``high``, ``medium`` or ``low`` per probability (shape ``(n,)``)."""
    named = np.full(len(probability), MEDIUM, dtype=object)
    named[probability >= limits.high_from] = HIGH
    named[probability <= limits.low_until] = LOW
    return named


def value_tier(net_revenue_minor: pd.Series) -> npt.NDArray[np.object_]:
    """Tier per customer by thirds of ``net_revenue_minor``; unknown or nothing is ``small``; ties share the lower."""
    money = net_revenue_minor.astype("float64").to_numpy()
    known = np.isfinite(money) & (money > 0)
    named = np.full(len(money), SMALL, dtype=object)
    if known.any():
        lower, upper = np.quantile(money[known], [1 / 3, 2 / 3])
        named[known & (money > lower)] = MIDDLE
        named[known & (money > upper)] = TOP
    return named


def suggested(band: npt.NDArray[np.object_], tier: npt.NDArray[np.object_]) -> list[Action]:
    """The suggestion for each customer's band and tier."""
    return [ACTIONS[key] for key in zip(band, tier, strict=True)]

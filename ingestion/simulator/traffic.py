"""Where visits come from: sources with their marks in the log, and the shop's campaigns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.config import SimulatorConfig


@dataclass(frozen=True)
class TrafficSource:
    """One source: what the log shows of it, its share among first and among later visits, and what it
    adds to a visit's intent."""

    channel: str
    referrer: str | None
    utm_source: str | None
    utm_medium: str | None
    share_new: float
    share_returning: float
    intent: float


SOURCES = (
    TrafficSource("direct", None, None, None, 0.16, 0.44, 0.2),
    TrafficSource("organic_search", "https://www.baidu.com/", None, None, 0.26, 0.14, 0.0),
    TrafficSource("organic_search", "https://www.google.com/", None, None, 0.04, 0.03, 0.0),
    TrafficSource("paid_search", "https://www.baidu.com/", "baidu", "cpc", 0.16, 0.07, 0.1),
    TrafficSource("social", "https://weibo.com/", "weibo", "social", 0.08, 0.05, -0.4),
    TrafficSource("social", None, "wechat", "social", 0.10, 0.10, -0.1),
    TrafficSource("paid_social", "https://www.douyin.com/", "douyin", "paid_social", 0.12, 0.05, -0.6),
    TrafficSource("referral", "https://post.smzdm.com/", None, None, 0.08, 0.04, -0.1),
    TrafficSource("email", None, "newsletter", "email", 0.0, 0.08, 0.5),
)

#: Numbers of the sources that campaigns use.
CAMPAIGN_SOURCES = tuple(number for number, source in enumerate(SOURCES) if source.utm_source is not None)


@dataclass(frozen=True)
class Campaign:
    """A campaign from ``first_day`` to ``last_day`` (indices, inclusive): more visits, and a coupon."""

    name: str
    first_day: int
    last_day: int
    lift: float
    coupon: str
    percent_off: int


_NAMES = ("spring_sale", "member_day", "home_week", "clearance", "new_arrivals", "big_day")


def plan_campaigns(config: SimulatorConfig) -> tuple[Campaign, ...]:
    """About one campaign every three weeks, three to eight days long, in order and without overlap."""
    rng = config.rng("campaigns")
    campaigns = []
    for number, block in enumerate(range(0, config.days, 21)):
        length = int(rng.integers(3, 9))
        first = block + int(rng.integers(2, 12))
        if block == 0:
            first = min(first, config.days // 2)  # even a short history has one
        lift, percent = float(rng.uniform(1.2, 1.6)), int(rng.choice([5, 8, 10, 15]))
        if first < config.days:
            name = f"{_NAMES[number % len(_NAMES)]}_{number + 1}"
            last = min(first + length - 1, config.days - 1)
            campaigns.append(Campaign(name, first, last, lift, f"SAVE{percent}N{number + 1}", percent))
    return tuple(campaigns)


def campaign_of_day(config: SimulatorConfig, campaigns: tuple[Campaign, ...]) -> NDArray[np.int64]:
    """Number of the campaign that runs on each day, -1 where none does."""
    running = np.full(config.days, -1, dtype=np.int64)
    for number, campaign in enumerate(campaigns):
        running[campaign.first_day : campaign.last_day + 1] = number
    return running

"""Coupons: those of campaigns, those that are always there, and who uses them.

People who love discounts (``people.discount_lover``) bring a coupon to most of their visits, the
campaign's while one runs; the others use the code of the campaign they came through, and seldom
another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.people import Population
from ingestion.simulator.traffic import Campaign, campaign_of_day

_LOVER_SHARE, _CAMPAIGN_SHARE, _STRAY_SHARE = 0.85, 0.6, 0.03


@dataclass(frozen=True)
class Coupon:
    """A code and the percentage it takes off every line."""

    code: str
    percent_off: int


EVERGREEN = (Coupon("WELCOME5", 5), Coupon("APP8", 8), Coupon("FANS12", 12))


def list_coupons(campaigns: tuple[Campaign, ...]) -> tuple[Coupon, ...]:
    """All coupons by number: that of each campaign, then those that are always there."""
    return (*(Coupon(campaign.coupon, campaign.percent_off) for campaign in campaigns), *EVERGREEN)


def plan_coupons(
    config: SimulatorConfig, population: Population, campaigns: tuple[Campaign, ...], visits: pd.DataFrame
) -> NDArray[np.int64]:
    """Number of the coupon in ``list_coupons`` that a purchase in each visit would use, -1 for none."""
    rng = config.rng("coupons")
    count = len(visits)
    came_through, running = visits["campaign"].to_numpy(), campaign_of_day(config, campaigns)[visits["day"].to_numpy()]
    lover = np.append(population.people["discount_lover"].to_numpy(), False)[visits["person"].to_numpy()]
    luck = rng.random(count)
    evergreen = len(campaigns) + rng.integers(0, len(EVERGREEN), count)
    hunted = np.where(running >= 0, running, evergreen)
    coupon = np.select(
        [lover & (luck < _LOVER_SHARE), ~lover & (came_through >= 0) & (luck < _CAMPAIGN_SHARE), ~lover],
        [hunted, came_through, np.where(luck < _STRAY_SHARE, evergreen, -1)],
        -1,
    )
    return coupon.astype(np.int64)

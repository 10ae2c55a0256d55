"""People: their latent segments, homes, accounts, tastes; and all devices of the shop's visitors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.catalogue import CATEGORIES
from ingestion.simulator.clock import DAY, ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.devices import bot_devices, own_devices, shared_devices
from ingestion.simulator.intent import draw_keenness
from ingestion.simulator.interest import Interest, live
from ingestion.simulator.places import CITIES
from ingestion.simulator.segments import SEGMENTS, column

#: Share of people who already know the shop on the first day.
_EXISTING_SHARE = 0.4
#: Shape of the gamma factor by which people of a segment usually differ in how often they come; its mean is 1.
_RATE_SHAPE = 1.6
_GENDERS = ("female", "male", "")
#: How much likelier than others the segments hunt for discounts.
_LOVES_DISCOUNTS = {"bargain_hunter": 3.0, "premium": 0.3}

PAYMENT_METHODS = ("alipay", "wechat_pay", "union_pay", "card")
PAYMENT_SHARES = (0.46, 0.4, 0.06, 0.08)


@dataclass(frozen=True)
class Population:
    """``people``: one row per person. ``devices``: one per device: people's first ones (in order of
    persons), their second ones, shared ones (``number`` 2), those of bots; ``person`` is the owner, -1
    for none. ``shared_of``: for each person the row of the shared device, or -1. ``interest``: how
    everybody's interest lasts."""

    people: pd.DataFrame
    devices: pd.DataFrame
    shared_of: NDArray[np.int64]
    interest: Interest


def build_population(config: SimulatorConfig, clock: ShopClock) -> Population:
    """Draw people with segment, home, lifetime, account and tastes, and everybody's devices."""
    rng = config.rng("people")
    count = config.visitors
    segment = rng.choice(len(SEGMENTS), count, p=column("share") / column("share").sum())
    existing = rng.random(count) < _EXISTING_SHARE
    # Days as fractions of the horizon: people who exist already start at 0.
    joins = np.where(existing, 0.0, rng.uniform(0, config.days, count))
    quits = rng.exponential(1 / column("weekly_churn")[segment])
    interest = live(config, segment, existing, joins, quits)
    registered = existing & (rng.random(count) < column("registered")[segment])
    start = clock.midnight(0)
    account_age = rng.integers(DAY, 700 * DAY, count) // 1_000_000 * 1_000_000
    weights = np.array([weight for _, _, weight in CITIES])
    shape = rate_shape(config.kinds_apart)
    people = pd.DataFrame(
        {
            "segment": segment,
            "joins": joins,
            "leaves": np.minimum(interest.ends(), config.days),
            "existing": existing,
            # A gamma factor within the segment, so that counts are over-dispersed as in real logs.
            "rate": column("visits_per_week", config.kinds_apart)[segment]
            * rng.gamma(shape, 1 / shape, count)
            * config.activity,
            "keenness": draw_keenness(config, count),
            "customer": rng.permutation(count),
            "registered_before": registered,
            "registered_at": np.where(registered, start - account_age, np.int64(-1)),
            "gender": rng.choice(len(_GENDERS), count, p=[0.52, 0.36, 0.12]),
            "birth_year": rng.integers(1955, 2007, count),
            "city": rng.choice(len(CITIES), count, p=weights / weights.sum()),
            "favourite": rng.integers(0, len(CATEGORIES), count),
            "discount_lover": _discount_lovers(config, segment),
            "pays_with": config.rng("payment methods").choice(len(PAYMENT_METHODS), count, p=PAYMENT_SHARES),
        }
    )
    own = own_devices(config, count)
    shared, shared_of = shared_devices(config, people, len(own))
    return Population(people, pd.concat([own, shared, bot_devices(config)], ignore_index=True), shared_of, interest)


def rate_shape(apart: float) -> float:
    """Shape of the gamma factor of visit rates within a kind: its spread, about the root of 1 / shape, shrinks by
    as much as the kinds lie ``apart`` (``segments.kinds``)."""
    return _RATE_SHAPE * apart**2


def _discount_lovers(config: SimulatorConfig, segment: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Who hunts for coupons: ``discount_lover_share`` of all people, more of them among bargain hunters."""
    taste = np.array([_LOVES_DISCOUNTS.get(one.name, 1.0) for one in SEGMENTS])
    chance = config.discount_lover_share * taste / (taste @ (column("share") / column("share").sum()))
    return config.rng("discounts").random(len(segment)) < chance[segment]


def gender_name(code: NDArray[np.int64]) -> list[str]:
    """Words of the drawn genders; empty where not stated."""
    return [_GENDERS[value] for value in code]


def customer_id(customer: NDArray[np.int64]) -> list[str]:
    """Customer ids as the shop writes them."""
    return [f"C{100_000 + value}" for value in customer]

"""People, their latent segments and their devices; and the bots that are not people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.catalogue import CATEGORIES
from ingestion.simulator.clock import DAY, ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.places import AGENTS, BOT_AGENTS, CITIES
from ingestion.simulator.segments import SEGMENTS, column

#: Share of people who already know the shop on the first day.
_EXISTING_SHARE = 0.4
_GENDERS = ("female", "male", "")

BOT_KINDS = ("crawler", "scraper", "monitor")


@dataclass(frozen=True)
class Population:
    """``people``: one row per person; ``devices``: one per device, those of bots last (person -1)."""

    people: pd.DataFrame
    devices: pd.DataFrame


def build_population(config: SimulatorConfig, clock: ShopClock) -> Population:
    """Draw people with segment, home, lifetime and account, then their devices, then the bots."""
    rng = config.rng("people")
    count = config.visitors
    segment = rng.choice(len(SEGMENTS), count, p=column("share") / column("share").sum())
    existing = rng.random(count) < _EXISTING_SHARE
    # Days as fractions of the horizon: people who exist already start at 0.
    joins = np.where(existing, 0.0, rng.uniform(0, config.days, count))
    stays = rng.exponential(7.0 / column("weekly_churn")[segment])
    registered = existing & (rng.random(count) < column("registered")[segment])
    start = clock.midnight(0)
    account_age = rng.integers(DAY, 700 * DAY, count) // 1_000_000 * 1_000_000
    weights = np.array([weight for _, _, weight in CITIES])
    people = pd.DataFrame(
        {
            "segment": segment,
            "joins": joins,
            "leaves": np.minimum(joins + stays, config.days),
            "existing": existing,
            # A gamma factor within the segment, so that counts are over-dispersed as in real logs.
            "rate": column("visits_per_week")[segment] * rng.gamma(1.6, 1 / 1.6, count) * config.activity,
            "customer": rng.permutation(count),
            "registered_before": registered,
            "registered_at": np.where(registered, start - account_age, np.int64(-1)),
            "gender": rng.choice(len(_GENDERS), count, p=[0.52, 0.36, 0.12]),
            "birth_year": rng.integers(1955, 2007, count),
            "city": rng.choice(len(CITIES), count, p=weights / weights.sum()),
            "favourite": rng.integers(0, len(CATEGORIES), count),
        }
    )
    return Population(people, pd.concat([_devices(config, rng, count), _bots(config)], ignore_index=True))


def gender_name(code: NDArray[np.int64]) -> list[str]:
    """Words of the drawn genders; empty where not stated."""
    return [_GENDERS[value] for value in code]


def customer_id(customer: NDArray[np.int64]) -> list[str]:
    """Customer ids as the shop writes them."""
    return [f"C{100_000 + value}" for value in customer]


def _devices(config: SimulatorConfig, rng: np.random.Generator, count: int) -> pd.DataFrame:
    second = np.flatnonzero(rng.random(count) < config.two_devices_share)
    person = np.concatenate([np.arange(count), second])
    weights = np.array([weight for _, _, weight in AGENTS], dtype=float)
    agent = rng.choice(len(AGENTS), len(person), p=weights / weights.sum())
    return pd.DataFrame(
        {
            "visitor": _device_names(config, "people", len(person)),
            "person": person,
            "number": np.concatenate([np.zeros(count, dtype=np.int64), np.ones(len(second), dtype=np.int64)]),
            "device_class": [AGENTS[a][0] for a in agent],
            "agent": [AGENTS[a][1] for a in agent],
            "bot_kind": -1,
        }
    )


def _bots(config: SimulatorConfig) -> pd.DataFrame:
    """Crawlers that say so, scrapers that look like browsers, and one uptime monitor."""
    rng = config.rng("bots")
    pairs = round(config.visitors * config.bot_share / 2)
    if config.bot_share > 0:
        pairs = max(pairs, 1)
    kind = np.repeat([0, 1, 2], [pairs, pairs, 1 if pairs else 0])
    browsers = [agent for device, agent, _ in AGENTS if device == "desktop"]
    crawlers, monitor = BOT_AGENTS[:-1], BOT_AGENTS[-1]
    luck = rng.random(len(kind))
    offered = (crawlers, browsers, (monitor,))
    agents = [offered[k][int(u * len(offered[k]))] for k, u in zip(kind.tolist(), luck.tolist(), strict=True)]
    return pd.DataFrame(
        {
            "visitor": _device_names(config, "bots", len(kind)),
            "person": -1,
            "number": 0,
            "device_class": "desktop",
            "agent": pd.Series(agents, dtype="str"),
            "bot_kind": kind,
        }
    )


def _device_names(config: SimulatorConfig, kind: str, count: int) -> list[str]:
    """Cookie values: random 64-bit hex, long enough never to meet by chance."""
    values = config.rng(f"cookies of {kind}").integers(0, 2**63, count, dtype=np.uint64)
    return [f"v{value:016x}" for value in values.tolist()]

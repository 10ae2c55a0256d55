"""Devices (cookies): people's own, those that several people share, and those of bots."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.places import AGENTS, BOT_AGENTS, SWARM_AGENT

BOT_KINDS = ("crawler", "scraper", "monitor", "slow_scraper", "swarm")
CRAWLER, SCRAPER, MONITOR, SLOW_SCRAPER, SWARM = range(len(BOT_KINDS))

#: A device of up to so many people is a family's and belongs to the first of them; a larger group
#: meets at a public terminal, which belongs to nobody.
LARGEST_FAMILY = 3
_SMALLEST_GROUP, _LARGEST_GROUP = 2, 6
_SWARM_SIZE = (150, 400)


def own_devices(config: SimulatorConfig, count: int) -> pd.DataFrame:
    """The first device of each person, in order of persons, then the second ones of some."""
    rng = config.rng("devices")
    second = np.flatnonzero(rng.random(count) < config.two_devices_share)
    person = np.concatenate([np.arange(count), second])
    number = np.concatenate([np.zeros(count, dtype=np.int64), np.ones(len(second), dtype=np.int64)])
    return _browsers(config, rng, "people", person, number, AGENTS)


def shared_devices(
    config: SimulatorConfig, people: pd.DataFrame, first_row: int
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Devices of groups of people with accounts, nobody in two groups.

    Returns the devices and, for each person, the row of the shared device (counted from
    ``first_row``) or -1. People who come often are more likely to be in a group.
    """
    rng = config.rng("shared devices")
    shared_of = np.full(len(people), -1, dtype=np.int64)
    weight = (people["rate"] * (people["leaves"] - people["joins"]) * people["registered_before"]).to_numpy()
    candidates = int((weight > 0).sum())
    wanted = max(round(config.visitors * config.shared_device_share), int(config.shared_device_share > 0))
    sizes = rng.integers(_SMALLEST_GROUP, _LARGEST_GROUP + 1, wanted)
    sizes = sizes[np.cumsum(sizes) <= candidates]
    chance = weight / weight.sum() if candidates else None
    members = rng.choice(len(people), int(sizes.sum()), replace=False, p=chance)
    shared_of[members] = first_row + np.repeat(np.arange(len(sizes)), sizes)
    first = members[np.cumsum(sizes) - sizes]
    owner = np.where(sizes <= LARGEST_FAMILY, first, -1)
    tablets = tuple(one for one in AGENTS if one[0] != "mobile")
    return _browsers(config, rng, "groups", owner, np.full(len(sizes), 2), tablets), shared_of


def bot_devices(config: SimulatorConfig) -> pd.DataFrame:
    """Every kind of bot, unless ``bot_share`` is 0; a swarm has a fresh cookie for each hit.

    ``swarm_day`` is the day of a swarm's hit, -1 for the others.
    """
    rng = config.rng("bots")
    some = max(round(config.visitors * config.bot_share / 2), 1)
    kind = np.repeat([CRAWLER, SCRAPER, MONITOR, SLOW_SCRAPER], [some, some, 1, max(some // 2, 1)])
    days = np.sort(rng.permutation(config.days)[: max(round(config.days * config.swarm_day_share), 1)])
    swarm_day = np.repeat(days, rng.integers(*_SWARM_SIZE, len(days)))
    if config.bot_share == 0:
        kind, swarm_day = kind[:0], swarm_day[:0]
    browsers = [agent for device, agent, _ in AGENTS if device == "desktop"]
    offered = (BOT_AGENTS[:-1], browsers, BOT_AGENTS[-1:], browsers)
    luck = rng.random(len(kind))
    agents = [offered[k][int(u * len(offered[k]))] for k, u in zip(kind.tolist(), luck.tolist(), strict=True)]
    count = len(kind) + len(swarm_day)
    return pd.DataFrame(
        {
            "visitor": _device_names(config, "bots", count),
            "person": -1,
            "number": 0,
            "device_class": "desktop",
            "agent": pd.Series([*agents, *[SWARM_AGENT] * len(swarm_day)], dtype="str"),
            "bot_kind": np.concatenate([kind, np.full(len(swarm_day), SWARM)]),
            "swarm_day": np.concatenate([np.full(len(kind), -1), swarm_day]),
        }
    )


def _browsers(
    config: SimulatorConfig,
    rng: np.random.Generator,
    names: str,
    person: NDArray[np.int64],
    number: NDArray[np.int64],
    offered: tuple[tuple[str, str, float], ...],
) -> pd.DataFrame:
    """Devices with a browser drawn from those on offer."""
    weights = np.array([weight for _, _, weight in offered], dtype=float)
    agent = rng.choice(len(offered), len(person), p=weights / weights.sum())
    return pd.DataFrame(
        {
            "visitor": _device_names(config, names, len(person)),
            "person": person,
            "number": number,
            "device_class": pd.Series([offered[a][0] for a in agent], dtype="str"),
            "agent": pd.Series([offered[a][1] for a in agent], dtype="str"),
            "bot_kind": -1,
            "swarm_day": -1,
        }
    )


def _device_names(config: SimulatorConfig, kind: str, count: int) -> list[str]:
    """Cookie values: random 64-bit hex, long enough never to meet by chance."""
    values = config.rng(f"cookies of {kind}").integers(0, 2**63, count, dtype=np.uint64)
    return [f"v{value:016x}" for value in values.tolist()]

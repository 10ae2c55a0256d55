"""Visits that no person makes: declared crawlers, undeclared scrapers, an uptime monitor.

The monitor asks for the home page every few minutes for more than a day, so it also exercises the
24-hour cap of sessions.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.simulator import events as ev
from ingestion.simulator.clock import DAY, ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.events import event_table
from ingestion.simulator.pages import HOME, Pages

# By bot kind (people.BOT_KINDS): visits a day, mean requests a visit, seconds between requests.
_VISITS_A_DAY = np.array([0.5, 0.15, 0.12])
_REQUESTS = np.array([50, 200, 190])
_SECONDS = np.array([(1.0, 4.0), (0.3, 1.1), (400.0, 800.0)])


def plan_bot_visits(config: SimulatorConfig, clock: ShopClock, devices: pd.DataFrame) -> pd.DataFrame:
    """Visits of bots at any hour, in the columns of ``visits.plan_visits`` plus ``requests``.

    Every bot comes at least once, so that each planted kind is in the logs.
    """
    rng = config.rng("bot visits")
    bots = devices[devices["bot_kind"] >= 0]
    kind = bots["bot_kind"].to_numpy()
    visits = np.maximum(rng.poisson(_VISITS_A_DAY[kind] * config.days), 1)
    device, kind = np.repeat(bots.index.to_numpy(), visits), np.repeat(kind, visits)
    wanted = _REQUESTS[kind] // 2 + rng.poisson(_REQUESTS[kind] / 2)
    # A visit must fit into the history, however short that is.
    fits = np.maximum((config.days * 86_400 * 0.8 / _SECONDS[kind, 1]).astype(np.int64), 1)
    requests = np.minimum(wanted, fits)
    room = config.days * DAY - (requests * _SECONDS[kind, 1] * 1e6).astype(np.int64) - 60_000_000
    since = (rng.random(len(kind)) * room).astype(np.int64) // 1000 * 1000
    start = clock.at(since // DAY, since % DAY)
    table = pd.DataFrame(
        {
            "person": -1, "day": since // DAY, "start": start, "nth": 0, "device": device, "segment": -1,
            "source": 0, "campaign": -1, "category": 0, "bot_kind": kind, "requests": requests,
        }
    )  # fmt: skip
    return table.sort_values(["start", "device"], kind="stable", ignore_index=True)


def crawl(
    config: SimulatorConfig, bot_visits: pd.DataFrame, first_visit: int, products: int, pages: Pages
) -> pd.DataFrame:
    """Event table of the bots' requests; their visits are numbered from ``first_visit``."""
    rng = config.rng("bot requests")
    requests = bot_visits["requests"].to_numpy()
    row = np.repeat(np.arange(len(bot_visits)), requests)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(requests) - requests, requests)
    kind = bot_visits["bot_kind"].to_numpy()[row]
    low, high = _SECONDS[kind, 0], _SECONDS[kind, 1]
    gap = np.where(nth == 0, 0, (low + (high - low) * rng.random(len(row))) * 1000).astype(np.int64)
    total = np.cumsum(gap)
    opening = np.cumsum(requests) - requests
    ts = bot_visits["start"].to_numpy()[row] + (total - np.repeat(total[opening], requests)) * 1000
    # Crawlers alternate pages and products; scrapers walk the catalogue product by product.
    begin = rng.integers(0, products, len(bot_visits))[row]
    product = (begin + np.where(kind == 0, nth // 2, nth)) % products
    looks = (kind == 1) | ((kind == 0) & (nth % 2 == 1))
    page = np.where(kind == 2, HOME, pages.product(product))
    return event_table(
        len(row),
        visit=row + first_visit,
        kind=np.where(looks, ev.PRODUCT, ev.PAGE),
        ts=ts,
        product=np.where(looks, product, -1),
        quantity=np.where(looks, 1, -1),
        page=page,
    )

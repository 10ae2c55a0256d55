"""Visits that no person makes, in five kinds (``devices.BOT_KINDS``).

- crawler: says so in its user agent.
- scraper: a browser's user agent, several requests a second.
- monitor: asks for the home page every few minutes for more than a day, round the clock, and so runs
  into the 24-hour cap of sessions.
- slow_scraper: a browser's user agent, a short session in nearly every hour of its days.
- swarm: on some days hundreds of single page views, each under a fresh cookie, all with the same
  outdated browser.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator import events as ev
from ingestion.simulator.catalogue import Catalogue
from ingestion.simulator.clock import DAY, SECOND, ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.devices import CRAWLER, MONITOR, SCRAPER, SLOW_SCRAPER, SWARM
from ingestion.simulator.events import event_table
from ingestion.simulator.pages import HOME, Pages

# By bot kind: visits a day, mean requests a visit, seconds between requests.
_VISITS_A_DAY = np.array([0.5, 0.15, 0.12])
_REQUESTS = np.array([50, 200, 190])
_SECONDS = np.array([(1.0, 4.0), (0.3, 1.1), (400.0, 800.0), (4.0, 25.0), (1.0, 2.0)])
_SLOW_DAYS = (3, 9)
_SLOW_REQUESTS = (3, 10)
_HOURS_LEFT_OUT = 2  # at most so many hours of a slow scraper's day are without a session

Numbers = NDArray[np.int64]


def plan_bot_visits(config: SimulatorConfig, clock: ShopClock, devices: pd.DataFrame) -> pd.DataFrame:
    """Visits of bots, in the columns of ``visits.plan_visits`` plus ``requests``.

    Every bot comes at least once, so that each planted kind is in the logs.
    """
    parts = [
        _runs(config, clock, devices[devices["bot_kind"].between(CRAWLER, MONITOR)]),
        _hourly(config, clock, devices[devices["bot_kind"] == SLOW_SCRAPER]),
        _single_hits(config, clock, devices[devices["bot_kind"] == SWARM]),
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(person=-1, nth=0, segment=-1, source=0, campaign=-1, category=0, interest=0.0, intent=0.0)
    return table.sort_values(["start", "device"], kind="stable", ignore_index=True)


def _runs(config: SimulatorConfig, clock: ShopClock, bots: pd.DataFrame) -> pd.DataFrame:
    """Long runs of requests at any hour."""
    rng = config.rng("bot visits")
    kind = bots["bot_kind"].to_numpy()
    visits = np.maximum(rng.poisson(_VISITS_A_DAY[kind] * config.days), 1)
    device, kind = np.repeat(bots.index.to_numpy(), visits), np.repeat(kind, visits)
    wanted = _REQUESTS[kind] // 2 + rng.poisson(_REQUESTS[kind] / 2)
    # A visit must fit into the history, however short that is.
    fits = np.maximum((config.days * 86_400 * 0.8 / _SECONDS[kind, 1]).astype(np.int64), 1)
    requests = np.minimum(wanted, fits)
    room = config.days * DAY - (requests * _SECONDS[kind, 1] * 1e6).astype(np.int64) - 60_000_000
    since = (rng.random(len(kind)) * room).astype(np.int64) // 1000 * 1000
    return _visits(clock, device, kind, since // DAY, since % DAY, requests)


def _hourly(config: SimulatorConfig, clock: ShopClock, bots: pd.DataFrame) -> pd.DataFrame:
    """A session at the start of nearly every hour of some days: far enough apart to be sessions of their own."""
    rng = config.rng("slow scrapers")
    days = np.minimum(rng.integers(*_SLOW_DAYS, len(bots)), config.days)
    first = (rng.random(len(bots)) * (config.days - days + 1)).astype(np.int64)
    device = np.repeat(bots.index.to_numpy(), days)
    day = np.repeat(first, days) + np.arange(len(device)) - np.repeat(np.cumsum(days) - days, days)
    comes = np.ones((len(device), 24), dtype=bool)
    comes[np.arange(len(device))[:, None], rng.integers(0, 24, (len(device), _HOURS_LEFT_OUT))] = False
    row, hour = np.nonzero(comes)
    of_day = hour * 3600 * SECOND + rng.integers(0, 20 * 60 * 1000, len(row)) * 1000
    kind = np.full(len(row), SLOW_SCRAPER)
    return _visits(clock, device[row], kind, day[row], of_day, rng.integers(*_SLOW_REQUESTS, len(row)))


def _single_hits(config: SimulatorConfig, clock: ShopClock, bots: pd.DataFrame) -> pd.DataFrame:
    """One hit of each cookie of a swarm, at any time of its day."""
    rng = config.rng("swarms")
    of_day = rng.integers(0, DAY // 1000 - 60_000, len(bots)) * 1000
    kind = bots["bot_kind"].to_numpy()
    return _visits(clock, bots.index.to_numpy(), kind, bots["swarm_day"].to_numpy(), of_day, np.ones_like(kind))


def _visits(
    clock: ShopClock, device: Numbers, kind: Numbers, day: Numbers, of_day: Numbers, requests: Numbers
) -> pd.DataFrame:
    return pd.DataFrame(
        {"day": day, "start": clock.at(day, of_day), "device": device, "bot_kind": kind, "requests": requests}
    )


def crawl(
    config: SimulatorConfig, bot_visits: pd.DataFrame, first_visit: int, catalogue: Catalogue, pages: Pages
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
    # Crawlers and slow scrapers alternate pages and products; scrapers walk the catalogue product by product.
    products = len(catalogue.products)
    begin = rng.integers(0, products, len(bot_visits))[row]
    alternates = (kind == CRAWLER) | (kind == SLOW_SCRAPER)
    product = (begin + np.where(alternates, nth // 2, nth)) % products
    # In place of what is not on sale on the day, one that is all through the history.
    lasting = np.flatnonzero(catalogue.lasting)
    gone = ~catalogue.shelf.offered(product, bot_visits["day"].to_numpy()[row])
    product[gone] = lasting[product[gone] % len(lasting)]
    looks = (kind == SCRAPER) | (alternates & (nth % 2 == 1))
    page = np.where(kind == MONITOR, HOME, pages.product(product))
    return event_table(
        len(row),
        visit=row + first_visit,
        kind=np.where(looks, ev.PRODUCT, ev.PAGE),
        ts=ts,
        product=np.where(looks, product, -1),
        quantity=np.where(looks, 1, -1),
        page=page,
    )

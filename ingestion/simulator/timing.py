"""Times inside visits: pages take a while, companions of a page follow at once, some people pause."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.simulator import events as ev
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.events import COLUMNS
from ingestion.simulator.intent import patience

_PAUSE_SHARE = 0.004  # pages after which the visitor leaves the screen for 31 to 120 minutes
_PAGE_MS = 18_000  # the median without intent
_MAX_PAGE_MS = 20 * 60 * 1000


def time_events(config: SimulatorConfig, visits: pd.DataFrame, browsed: pd.DataFrame, end: int) -> pd.DataFrame:
    """Order the events of each visit by ``rank`` and give them times and dwell times.

    The more intent, the longer on each page. Returns an event table ordered by visit and rank, with
    ``rank`` still there. A visit that would outlive ``end`` (the instant at which the history stops) is
    moved back to finish before it.
    """
    rng = config.rng("timing")
    # One sortable number instead of two sort keys: ranks stay far below 2**20.
    order = np.argsort(browsed["visit"].to_numpy() * 2**20 + browsed["rank"].to_numpy(), kind="stable")
    table = browsed.take(order).reset_index(drop=True)
    visit, pace = table["visit"].to_numpy(), table["pace"].to_numpy()
    count = len(table)
    page = rng.lognormal(np.log(_PAGE_MS), 1.0, count) * patience(visits["intent"].to_numpy())[visit]
    page = np.minimum(page, _MAX_PAGE_MS)
    pause = np.where(rng.random(count) < _PAUSE_SHARE, rng.uniform(31, 120, count) * 60_000, 0)
    companion = rng.uniform(50, 400, count)
    action = np.minimum(rng.lognormal(np.log(6_000), 0.7, count), 120_000)
    gap = np.select([pace == 1, pace == 2], [companion, action], np.maximum(page, 800) + pause).astype(np.int64)
    first = np.r_[True, visit[1:] != visit[:-1]]
    gap[first] = 0
    total = np.cumsum(gap)
    opening = np.flatnonzero(first)
    length = np.diff(np.r_[opening, count])
    ts = visits["start"].to_numpy()[visit] + (total - np.repeat(total[opening], length)) * 1000
    last = ts[opening + length - 1]
    overshoot = np.maximum(last + 60_000_000 - end, 0)
    table["ts"] = ts - np.repeat(overshoot, length)
    table["dwell"] = _dwell(table)
    table["landing"] = np.where(first, 1, -1)
    return table[[*COLUMNS, "rank"]]


def _dwell(table: pd.DataFrame) -> np.ndarray:
    """Milliseconds from each page to the next page of the visit; -1 on other events and on last pages."""
    dwell = np.full(len(table), -1, dtype=np.int64)
    pages = np.flatnonzero(table["kind"].to_numpy() == ev.PAGE)
    visit, ts = table["visit"].to_numpy()[pages], table["ts"].to_numpy()[pages]
    same = visit[1:] == visit[:-1]
    dwell[pages[:-1][same]] = (ts[1:][same] - ts[:-1][same]) // 1000
    return dwell

"""The shop's clock: days and wall times of its zone for whole arrays of instants.

An instant is an int64 of microseconds since 1970 UTC; a day is an index, 0 being the first
simulated day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

SECOND = 1_000_000
DAY = 86_400 * SECOND

Instants = NDArray[np.int64]
# How far around the simulated days times may lie: late arrivals and clocks that run ahead.
_MARGIN_DAYS = 60


class ShopClock:
    """Converts between instants and the days of ``zone``, with daylight saving, for arrays."""

    def __init__(self, zone: str, start: date, days: int) -> None:
        self.start = start
        self.days = days
        self._start_local = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()) * SECOND
        tz = ZoneInfo(zone)
        first = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()) - _MARGIN_DAYS * 86_400
        grid = range(first, first + (days + 2 * _MARGIN_DAYS) * 86_400, 86_400)
        changes, offsets = [np.iinfo(np.int64).min], [_offset(tz, first)]
        for before, after in pairwise(grid):
            if _offset(tz, before) != _offset(tz, after):
                low, high = before, after
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if _offset(tz, middle) == _offset(tz, before) else (low, middle)
                changes.append(high * SECOND)
                offsets.append(_offset(tz, high))
        self._changes = np.array(changes, dtype=np.int64)
        self._offsets = np.array(offsets, dtype=np.int64)

    def offset(self, instants: Instants) -> Instants:
        """Seconds that the zone is ahead of UTC at each instant."""
        found: Instants = self._offsets[np.searchsorted(self._changes, instants, side="right") - 1]
        return found

    def local(self, instants: Instants) -> Instants:
        """Wall time of each instant, as microseconds since 1970 read off the wall."""
        return instants + self.offset(instants) * SECOND

    def day(self, instants: Instants) -> NDArray[np.int64]:
        """Index of the shop's day each instant falls on."""
        return (self.local(instants) - self._start_local) // DAY

    def at(self, day: NDArray[np.int64], of_day: NDArray[np.int64]) -> Instants:
        """Instant of a wall time: ``of_day`` microseconds after midnight of ``day``."""
        wall = self._start_local + day * DAY + of_day
        guess = wall - self.offset(wall) * SECOND
        return wall - self.offset(guess) * SECOND

    def midnight(self, day: int) -> int:
        """Instant at which the shop's day ``day`` begins."""
        return int(self.at(np.array([day]), np.array([0]))[0])

    def date_of(self, day: int) -> date:
        """Calendar date of a day index."""
        return self.start + timedelta(days=int(day))


def _offset(tz: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, tz).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())

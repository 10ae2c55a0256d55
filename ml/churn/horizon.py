"""How long must a customer be silent before it means something? H from the shop's own gaps between order days.

Every order day begins a gap: it ends with the customer's next order day, or has not ended yet (censored). Leaving
out gaps that have not ended makes the rest look shorter than they are, so the share that ends within t days
is estimated by Kaplan and Meier, and H is the shortest horizon by which most of those who do come back have.

Source: E. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations" (1958),
https://doi.org/10.1080/01621459.1958.10501452.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Floats

HORIZONS = (30, 60, 90, 120, 180)
#: Share of those who come back that must have done so within the horizon.
RETURNED = 0.8
#: The horizon of the model that serves stays while the share is no further than this from ``RETURNED``: in a shop
#: near the limit it would change every few days, and each change asks for a new model.
KEPT_WITHIN = 0.03
#: Gaps are followed for this long: who comes back later is counted as not coming back.
_FOLLOWED_DAYS = 365
#: Days of history beyond two horizons: the first customers, and dates that step back by weeks.
_ROOM_DAYS = 14
#: Repurchases without which the shop's rhythm is not known.
FEWEST_REPURCHASES = 50

_GAPS = """
WITH order_days AS (
    SELECT
        event_date,
        lead(event_date) OVER (PARTITION BY customer_id ORDER BY event_date) AS next_date
    FROM features.feat_customer_days
    WHERE shop_id = ? AND orders_placed > 0 AND event_date < ?
)
SELECT
    date_diff('day', event_date, coalesce(next_date, CAST(? AS DATE))) AS days,
    count(next_date) AS ended,
    count(*) - count(next_date) AS censored
FROM order_days
GROUP BY days
ORDER BY days
"""


class Horizon(NamedTuple):
    """``days`` to look ahead, and ``reason``: why so many, in words."""

    days: int
    reason: str


def shop_horizon(
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    known_until: dt.date,
    horizon_days: int | None = None,
    serving_days: int | None = None,
) -> Horizon:
    """``horizon_days`` where given, else :func:`choose_horizon` of the gaps known on ``known_until`` (exclusive) and of
    ``serving_days``, the horizon of the model that serves.

    Raises ``NotEnoughData`` as :func:`choose_horizon` does, ``ValueError`` for a horizon that is no day long.
    """
    if horizon_days is not None:
        if horizon_days < 1:
            raise ValueError(f"horizon_days: expected at least 1, got {horizon_days}")
        return Horizon(horizon_days, "set by hand")
    return choose_horizon(connection.execute(_GAPS, [shop_id, known_until, known_until]).df(), serving_days)


def within_history(own: Horizon, known_days: int) -> Horizon:
    """``own``, or the longest of ``HORIZONS`` that a shop of ``known_days`` since its first order can be tested on.

    A back-test needs a horizon to learn from and one to be held to. Where not even the shortest fits, ``own``
    stays, and what reads the history says how much of it is missing.
    """
    fitting = [days for days in HORIZONS if _history_needed(days) <= known_days]
    if _history_needed(own.days) <= known_days or not fitting:
        return own
    needed = f"{_history_needed(own.days)} days of history to learn, and {known_days} are known"
    return Horizon(fitting[-1], f"{own.reason}, but that takes {needed}")


def _history_needed(horizon_days: int) -> int:
    return 2 * horizon_days + _ROOM_DAYS


def choose_horizon(gaps: pd.DataFrame, serving_days: int | None = None) -> Horizon:
    """The shortest of ``HORIZONS`` within which ``RETURNED`` of those who come back do so; the longest if none is.

    ``serving_days``, where it is one of them, stays instead while at least ``RETURNED - KEPT_WITHIN`` come back within
    it (however few within the longest) and at most ``RETURNED + KEPT_WITHIN`` within the next shorter one.
    ``gaps`` has a row per length in ``days`` with the number that ``ended`` by an order and that are
    ``censored``. Raises ``NotEnoughData`` with fewer than ``FEWEST_REPURCHASES`` ended ones.
    """
    ended = int(gaps["ended"].sum()) if len(gaps) else 0
    if ended < FEWEST_REPURCHASES:
        raise NotEnoughData(
            "repeat purchases to see the shop's rhythm by",
            f"{FEWEST_REPURCHASES} (or a horizon set by hand)",
            f"{ended}",
        )
    returned = returned_within(gaps, [*HORIZONS, _FOLLOWED_DAYS])
    shares = dict(zip(HORIZONS, (float(share) for share in returned[:-1] / returned[-1]), strict=True))
    own = next((days for days, share in shares.items() if share >= RETURNED), HORIZONS[-1])
    if serving_days is not None and serving_days != own and _still_fits(serving_days, shares):
        told = f"{shares[serving_days]:.0%} of those who buy again do so within {serving_days} days"
        return Horizon(serving_days, f"{told}, too near {RETURNED:.0%} to change the horizon to {own} days")
    only = "" if shares[own] >= RETURNED else "only "
    return Horizon(own, f"{only}{shares[own]:.0%} of those who buy again do so within {own} days")


def _still_fits(days: int, shares: Mapping[int, float]) -> bool:
    if days not in shares:
        return False
    shorter = max((one for one in shares if one < days), default=None)
    is_long_enough = days == HORIZONS[-1] or shares[days] >= RETURNED - KEPT_WITHIN
    return is_long_enough and (shorter is None or shares[shorter] <= RETURNED + KEPT_WITHIN)


def returned_within(gaps: pd.DataFrame, days: npt.ArrayLike) -> Floats:
    """Kaplan–Meier share of gaps that end within each of ``days`` (shape ``(m,)``), with ``gaps`` as above."""
    ordered = gaps.sort_values("days")
    lengths = ordered["days"].to_numpy(dtype=float)
    ended = ordered["ended"].to_numpy(dtype=float)
    leaving = ended + ordered["censored"].to_numpy(dtype=float)
    at_risk = leaving[::-1].cumsum()[::-1]
    silent = np.cumprod(1 - ended / np.maximum(at_risk, 1))
    place = np.searchsorted(lengths, np.asarray(days, dtype=float), side="right")
    found: Floats = 1 - np.concatenate([[1.0], silent])[place]
    return found

"""The latent kinds of customer that a segmentation should find again.

A person's segment is written to ``truth/visitors.parquet`` and never to the logs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Segment:
    """How one kind of person behaves.

    ``visits_per_week`` while active; ``conversion`` multiplies the chance to put things into the
    cart; ``price_taste`` is the slope by which log price changes a product's appeal (negative:
    cheap things); ``weekly_churn`` is the weekly chance to stay away for good without notice,
    ``weekly_fading`` that interest begins to fade (see ``interest``); ``steps`` the mean number of
    products looked at in a visit; ``registered`` the share with an account at the start.
    """

    name: str
    share: float
    visits_per_week: float
    conversion: float
    price_taste: float
    weekly_churn: float
    weekly_fading: float
    steps: float
    registered: float


SEGMENTS = (
    Segment("loyal", 0.10, 1.5, 1.7, 0.2, 0.004, 0.020, 3.0, 0.95),
    Segment("bargain_hunter", 0.18, 0.8, 1.0, -1.0, 0.010, 0.038, 3.6, 0.7),
    Segment("premium", 0.07, 0.65, 1.5, 1.1, 0.005, 0.022, 2.6, 0.8),
    Segment("browser", 0.30, 0.6, 0.25, 0.0, 0.016, 0.045, 2.9, 0.3),
    Segment("passer_by", 0.25, 0.25, 0.35, -0.2, 0.07, 0.16, 1.4, 0.1),
    Segment("gift_giver", 0.10, 0.2, 1.9, 0.5, 0.02, 0.055, 2.7, 0.5),
)


@cache
def kinds(apart: float = 1.0) -> tuple[Segment, ...]:
    """The segments ``apart`` times as far apart (``SimulatorConfig.kinds_apart``); ``SEGMENTS`` themselves at 1.

    Visit rates and conversions are moved from their mean on the logarithmic scale, slopes of price taste from
    zero. Then all rates and all conversions are scaled, so that the mean visit rate of people who are active,
    and the mean conversion of their visits, stay what they were: it is the kinds that differ, not the shop.
    """
    if apart == 1.0:
        return SEGMENTS
    share, rate, conversion = (_field(SEGMENTS, name) for name in ("share", "visits_per_week", "conversion"))
    rates = _pulled(rate, share, apart)
    rates *= (share @ rate) / (share @ rates)
    conversions = _pulled(conversion, share, apart)
    conversions *= (share * rate @ conversion) / (share @ rate) * (share @ rates) / (share * rates @ conversions)
    return tuple(
        replace(one, visits_per_week=float(often), conversion=float(buys), price_taste=one.price_taste * apart)
        for one, often, buys in zip(SEGMENTS, rates, conversions, strict=True)
    )


def column(field: str, apart: float = 1.0) -> NDArray[np.float64]:
    """One numeric field of every segment, as an array indexed by segment number; ``apart`` as in ``kinds``."""
    return _field(kinds(apart), field)


def _field(segments: tuple[Segment, ...], field: str) -> NDArray[np.float64]:
    return np.array([getattr(segment, field) for segment in segments], dtype=np.float64)


def _pulled(values: NDArray[np.float64], share: NDArray[np.float64], apart: float) -> NDArray[np.float64]:
    logs = np.log(values)
    middle = (share @ logs) / share.sum()
    pulled: NDArray[np.float64] = np.exp(middle + apart * (logs - middle))
    return pulled

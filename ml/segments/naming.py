"""Names for clusters in plain words, from where their centres lie within the shop's customers.

A name says what is true of the cluster ("Recent, frequent, high spend / 近期高频高额") and survives a
re-fit that numbers clusters otherwise. Names within a shop are unique.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ingestion.contract import CURRENCY_EXPONENTS, DEFAULT_EXPONENT
from ml.evaluation.intervals import Floats
from ml.segments.features import FREQUENCY, MONETARY, RECENCY


class SegmentName(NamedTuple):
    """A segment's name in English and Chinese."""

    en: str
    zh: str


ALL_CUSTOMERS = SegmentName("All customers", "全部客户")

#: A centre this many population standard deviations from the mean is high or low; this many, very.
HIGH, VERY_HIGH = 0.5, 1.25

#: Per feature, from -2 (far below the shop's mean) to +2.
_WORDS: dict[str, tuple[SegmentName, ...]] = {
    RECENCY: (
        SegmentName("very recent", "最近"),
        SegmentName("recent", "近期"),
        SegmentName("cooling", "中期"),
        SegmentName("lapsed", "久未购"),
        SegmentName("long lapsed", "长期未购"),
    ),
    FREQUENCY: (
        SegmentName("very rare", "极低频"),
        SegmentName("rare", "低频"),
        SegmentName("occasional", "中频"),
        SegmentName("frequent", "高频"),
        SegmentName("very frequent", "极高频"),
    ),
    MONETARY: (
        SegmentName("very low spend", "极低额"),
        SegmentName("low spend", "低额"),
        SegmentName("medium spend", "中额"),
        SegmentName("high spend", "高额"),
        SegmentName("very high spend", "极高额"),
    ),
}

#: Per feature, what the lower and the higher of two otherwise equal names is called.
_COMPARED: dict[str, tuple[SegmentName, SegmentName]] = {
    RECENCY: (SegmentName("more recent", "较近"), SegmentName("less recent", "较远")),
    FREQUENCY: (SegmentName("fewer orders", "订单较少"), SegmentName("more orders", "订单较多")),
    MONETARY: (SegmentName("spends less", "消费较少"), SegmentName("spends more", "消费较多")),
}


def name_segments(
    centers: Floats, units: Floats, features: Sequence[str], currency: str | None = None
) -> list[SegmentName]:
    """One unique name per centre, in the order of ``centers``.

    Parameters
    ----------
    centers : shape ``(k, features)``, in standard deviations from the mean of the shop's customers.
    units : the same centres in days, orders and minor units.
    features : the columns' names; ``currency`` says how money is written where a name needs figures.

    Words of three levels are used first; clusters that would share a name get the five-level words; two
    that still share it are told apart by the feature they differ in most ("more orders"), three or more
    by their centres' figures. Raises ``ValueError`` where two centres are equal.
    """
    if len(centers) == 1:
        return [ALL_CUSTOMERS]
    plain = [_described(center, features, fine=False) for center in centers]
    fine = [_described(center, features, fine=True) for center in centers]
    names = list(plain)
    for members in _sharing(names):
        for member in members:
            names[member] = fine[member]
    for members in _sharing(names):
        endings = (
            _compared(members, centers, features) if len(members) == 2 else _figures(members, units, features, currency)
        )
        for member, ending in zip(members, endings, strict=True):
            names[member] = SegmentName(f"{names[member].en} ({ending.en})", f"{names[member].zh}（{ending.zh}）")
    return names


def _described(center: Floats, features: Sequence[str], *, fine: bool) -> SegmentName:
    words = [_WORDS[feature][_level(z, fine) + 2] for feature, z in zip(features, center, strict=True)]
    english = ", ".join(word.en for word in words)
    return SegmentName(english[0].upper() + english[1:], "".join(word.zh for word in words))


def _level(z: float, fine: bool) -> int:
    # Rounded, so that the last bit of a float never decides a word.
    size = round(abs(float(z)), 6)
    steps = 0 if size < HIGH else 2 if fine and size >= VERY_HIGH else 1
    return steps if z > 0 else -steps


def _sharing(names: Sequence[SegmentName]) -> list[list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for position, name in enumerate(names):
        groups[name.en].append(position)
    return [members for members in groups.values() if len(members) > 1]


def _compared(members: Sequence[int], centers: Floats, features: Sequence[str]) -> list[SegmentName]:
    first, second = (centers[member] for member in members)
    widest = int(np.argmax(np.round(np.abs(first - second), 6)))
    if first[widest] == second[widest]:
        raise ValueError(f"centers: expected distinct centres, got {first.tolist()} twice")
    lower, higher = _COMPARED[features[widest]]
    return [lower, higher] if first[widest] < second[widest] else [higher, lower]


def _figures(members: Sequence[int], units: Floats, features: Sequence[str], currency: str | None) -> list[SegmentName]:
    for decimals in range(10):
        endings = [_figure(units[member], features, currency, decimals) for member in members]
        if len({ending.en for ending in endings}) == len(members):
            return endings
    raise ValueError(f"units: expected distinct centres, got {units[list(members)].tolist()}")


def _figure(center: Floats, features: Sequence[str], currency: str | None, decimals: int) -> SegmentName:
    english, chinese = [], []
    for feature, value in zip(features, center, strict=True):
        if feature == MONETARY:
            exponent = CURRENCY_EXPONENTS.get(currency or "", DEFAULT_EXPONENT)
            amount = f"{value / 10**exponent:,.{decimals}f} {currency or ''}".strip()
            english.append(amount)
            chinese.append(amount)
        else:
            number = f"{value:,.{decimals}f}"
            english.append(f"{number} days" if feature == RECENCY else f"{number} orders")
            chinese.append(f"{number} 天" if feature == RECENCY else f"{number} 单")
    return SegmentName("about " + ", ".join(english), "约 " + "、".join(chinese))

"""Names for clusters in plain words, from where their centres lie within the shop's customers.

A name says what is true of the cluster ("Recent, frequent, high spend / 近期高频高额") and survives a
re-fit that numbers clusters otherwise. Where there are more than three features it says the (at most three)
things that set the cluster most apart. Names within a shop are unique.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ingestion.contract import CURRENCY_EXPONENTS, DEFAULT_EXPONENT
from ml.evaluation.intervals import Floats
from ml.segments.behaviour import BREADTH, DISCOUNTS, DWELL, VISITS
from ml.segments.features import FREQUENCY, MONETARY, RECENCY
from ml.segments.habits import BASKET, CONVERSION, PACE


class SegmentName(NamedTuple):
    """A segment's name in English and Chinese."""

    en: str
    zh: str


ALL_CUSTOMERS = SegmentName("All customers", "全部客户")
#: Of many features, none in which the cluster stands out.
NOTHING_APART = SegmentName("Average in everything", "各项居中")

#: A centre this many population standard deviations from the mean is high or low; this many, very.
HIGH, VERY_HIGH = 0.5, 1.25
#: Up to so many features a name tells all of them, and of more the so many that stand out most.
FEATURES_TOLD = 3

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
    VISITS: (
        SegmentName("hardly ever visits", "极少来访"),
        SegmentName("seldom visits", "少来访"),
        SegmentName("visits now and then", "偶尔来访"),
        SegmentName("visits often", "常来访"),
        SegmentName("visits very often", "极常来访"),
    ),
    DWELL: (
        SegmentName("very short visits", "停留极短"),
        SegmentName("short visits", "停留短"),
        SegmentName("visits of medium length", "停留中等"),
        SegmentName("long visits", "停留长"),
        SegmentName("very long visits", "停留极长"),
    ),
    BREADTH: (
        SegmentName("very narrow interest", "品类极窄"),
        SegmentName("narrow interest", "品类窄"),
        SegmentName("some breadth of interest", "品类适中"),
        SegmentName("wide interest", "品类广"),
        SegmentName("very wide interest", "品类极广"),
    ),
    DISCOUNTS: (
        SegmentName("hardly any discounts", "几乎不用折扣"),
        SegmentName("few discounts", "少用折扣"),
        SegmentName("some discounts", "偶用折扣"),
        SegmentName("buys on discount", "常用折扣"),
        SegmentName("buys mostly on discount", "多靠折扣"),
    ),
    PACE: (
        SegmentName("comes very rarely", "到访极疏"),
        SegmentName("comes rarely", "到访疏"),
        SegmentName("comes at times", "到访适中"),
        SegmentName("comes often", "到访密"),
        SegmentName("comes very often", "到访极密"),
    ),
    CONVERSION: (
        SegmentName("hardly ever buys on a visit", "到访极少下单"),
        SegmentName("seldom buys on a visit", "到访少下单"),
        SegmentName("buys on some visits", "到访时有下单"),
        SegmentName("buys on many visits", "到访常下单"),
        SegmentName("buys on most visits", "到访多下单"),
    ),
    BASKET: (
        SegmentName("very small orders", "单价极低"),
        SegmentName("small orders", "单价低"),
        SegmentName("medium orders", "单价中等"),
        SegmentName("large orders", "单价高"),
        SegmentName("very large orders", "单价极高"),
    ),
}

#: Per feature, what the lower and the higher of two otherwise equal names is called.
_COMPARED: dict[str, tuple[SegmentName, SegmentName]] = {
    RECENCY: (SegmentName("more recent", "较近"), SegmentName("less recent", "较远")),
    FREQUENCY: (SegmentName("fewer orders", "订单较少"), SegmentName("more orders", "订单较多")),
    MONETARY: (SegmentName("spends less", "消费较少"), SegmentName("spends more", "消费较多")),
    VISITS: (SegmentName("visits less", "来访较少"), SegmentName("visits more", "来访较多")),
    DWELL: (SegmentName("shorter visits", "停留较短"), SegmentName("longer visits", "停留较长")),
    BREADTH: (SegmentName("narrower interest", "品类较窄"), SegmentName("wider interest", "品类较广")),
    DISCOUNTS: (SegmentName("fewer discounts", "折扣较少"), SegmentName("more discounts", "折扣较多")),
    PACE: (SegmentName("comes less often", "到访较疏"), SegmentName("comes more often", "到访较密")),
    CONVERSION: (SegmentName("buys on fewer visits", "下单较少"), SegmentName("buys on more visits", "下单较多")),
    BASKET: (SegmentName("smaller orders", "单价较低"), SegmentName("larger orders", "单价较高")),
}

#: Per feature, what its figure is called; money is written by its currency.
_UNITS: dict[str, SegmentName] = {
    RECENCY: SegmentName("days", "天"),
    FREQUENCY: SegmentName("orders", "单"),
    VISITS: SegmentName("visits a month", "次/月"),
    DWELL: SegmentName("minutes a visit", "分钟/次"),
    BREADTH: SegmentName("categories", "个品类"),
    DISCOUNTS: SegmentName("of orders on discount", "订单用折扣"),
    PACE: SegmentName("visits a month", "次/月"),
    CONVERSION: SegmentName("orders a visit", "单/次"),
    BASKET: SegmentName("an order", "每单"),
}


def name_segments(
    centers: Floats, units: Floats, features: Sequence[str], currency: str | None = None
) -> list[SegmentName]:
    """One unique name per centre, in the order of ``centers``.

    Parameters
    ----------
    centers : shape ``(k, features)``, in standard deviations from the mean of the shop's customers.
    units : the same centres in days, orders, minor units and the units of behaviour.
    features : the columns' names (``ml.segments.features``, ``behaviour`` and ``habits``); ``currency`` says how
        money is written where a name needs figures.

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
    words = [_WORDS[features[at]][_level(center[at], fine) + 2] for at in _told(center)]
    if not words:
        return NOTHING_APART
    english = ", ".join(word.en for word in words)
    return SegmentName(english[0].upper() + english[1:], "".join(word.zh for word in words))


def _told(center: Floats) -> list[int]:
    """Positions of the features that a name tells, in their own order."""
    if len(center) <= FEATURES_TOLD:
        return list(range(len(center)))
    sizes = np.round(np.abs(center), 6)
    apart = [at for at in range(len(center)) if sizes[at] >= HIGH]
    return sorted(sorted(apart, key=lambda at: (-sizes[at], at))[:FEATURES_TOLD])


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
        if feature in (MONETARY, BASKET):
            exponent = CURRENCY_EXPONENTS.get(currency or "", DEFAULT_EXPONENT)
            amount = f"{value / 10**exponent:,.{decimals}f} {currency or ''}".strip()
            english.append(f"{amount} {_UNITS[BASKET].en}" if feature == BASKET else amount)
            chinese.append(f"{amount} {_UNITS[BASKET].zh}" if feature == BASKET else amount)
        else:
            number = f"{value * 100:,.{decimals}f} %" if feature == DISCOUNTS else f"{value:,.{decimals}f}"
            english.append(f"{number} {_UNITS[feature].en}")
            chinese.append(f"{number} {_UNITS[feature].zh}")
    return SegmentName("about " + ", ".join(english), "约 " + "、".join(chinese))

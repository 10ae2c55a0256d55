"""The members again, session by session in plain Python as the papers have them, to compare scores with."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass

import pandas as pd

from ml.recommend.sessions.steps import SESSION, TIME
from tests.ml.recommend.sessions.session_data import as_lists

Scores = dict[str, float]


@dataclass(frozen=True)
class Log:
    """Items of each session in order, and when it ended."""

    items: dict[str, list[str]]
    ended: dict[str, pd.Timestamp]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Log:
        return cls(as_lists(frame), {str(key): one for key, one in frame.groupby(SESSION)[TIME].max().items()})


def distinct_newest(known: list[str]) -> list[str]:
    """Different items, newest first."""
    return list(dict.fromkeys(reversed(known)))


def pairs(log: Log) -> dict[tuple[str, str], int]:
    """Sessions with both items; of an item with itself, sessions that came back to it."""
    found: Counter[tuple[str, str]] = Counter()
    for items in log.items.values():
        for one in set(items):
            for other in set(items):
                if one != other or items.count(one) > 1:
                    found[one, other] += 1
    return found


def co_view(log: Log, known: list[str]) -> Scores:
    return {other: count for (one, other), count in pairs(log).items() if one == known[-1]}


def item_knn(log: Log, known: list[str], weights: tuple[float, ...], shrink: float) -> Scores:
    sessions = Counter(item for items in log.items.values() for item in set(items))
    found: Scores = defaultdict(float)
    for (one, other), count in pairs(log).items():
        last = known[-len(weights) :]
        if one in last:
            weight = weights[list(reversed(last)).index(one)]
            found[other] += weight * count / math.sqrt((sessions[one] + shrink) * (sessions[other] + shrink))
    return found


def rules(log: Log, known: list[str], weights: tuple[float, ...], reach: int) -> Scores:
    counted: Counter[tuple[str, str]] = Counter()
    often: Counter[str] = Counter()
    for items in log.items.values():
        often.update(items)
        for first in range(len(items)):
            for second in range(first + 1, min(first + reach, len(items) - 1) + 1):
                counted[items[first], items[second]] += 1 / (second - first)
    last = list(reversed(known[-len(weights) :]))
    found: Scores = defaultdict(float)
    for item in set(last):
        for (one, other), weight in counted.items():
            if one == item:
                found[other] += weights[last.index(item)] * weight / often[item]
    return found


def _neighbours(log: Log, known: list[str], likeness, most: int) -> list[tuple[float, list[str]]]:
    sessions = sorted(log.items.items(), key=lambda one: (log.ended[one[0]], one[0]))
    near = []
    for age, (session, items) in enumerate(sessions):
        if set(items) & set(known):
            near.append((likeness(items, log.ended[session]), age, items))
    near.sort(key=lambda one: (round(one[0], 12), one[1]), reverse=True)
    return [(like, items) for like, _, items in near[:most]]


def vsknn(log: Log, known: list[str], most: int, reach: int) -> Scores:
    """Linear decay of the session's items, the weight of the last one in common, and rarity."""
    known = known[-reach:]
    weight = {item: 1 - place / reach for place, item in reversed(list(enumerate(reversed(known))))}
    lists = log.items.values()
    found: Scores = defaultdict(float)
    for like, items in _neighbours(log, known, lambda items, _: sum(weight.get(i, 0) for i in set(items)), most):
        match = max(weight[item] for item in set(items) & set(weight))
        for item in set(items):
            rare = math.log(len(lists) / sum(item in other for other in lists))
            found[item] += like * match * (1 + rare)
    return found


def stan(log: Log, known: list[str], at: pd.Timestamp, most: int, steps: float, days: float, places: float) -> Scores:
    """Decay in the session, of the neighbour's age, and around the item in common."""
    weight = {item: math.exp(-place / steps) for place, item in reversed(list(enumerate(reversed(known[-10:]))))}
    own = math.sqrt(sum(one**2 for one in weight.values()))

    def likeness(items: list[str], ended: pd.Timestamp) -> float:
        age = max((at - ended).total_seconds(), 0) / 86_400
        shared = sum(weight.get(item, 0) for item in set(items))
        return shared / (own * math.sqrt(len(set(items)))) * math.exp(-age / days)

    found: Scores = defaultdict(float)
    for like, items in _neighbours(log, known[-10:], likeness, most):
        last = {item: place for place, item in enumerate(items)}
        match = max(set(items) & set(weight), key=lambda item: weight[item])
        for item, place in last.items():
            found[item] += like * math.exp(-abs(place - last[match]) / places)
    return found


def coming_back(log: Log, reach: int) -> list[float]:
    """Share of steps that come back to the j-th last different item, of those that had one, shrunk by ten."""
    came, there = [0] * reach, [0] * reach
    for items in log.items.values():
        for step in range(1, len(items)):
            for back, item in enumerate(distinct_newest(items[max(0, step - reach) : step])):
                there[back] += 1
                came[back] += item == items[step]
    return [one / (other + 10) for one, other in zip(came, there, strict=True)]

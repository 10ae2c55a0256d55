"""Shops of several topics in one home: their days arrive in more than one order, and once all together.

A run of all models costs as much for one tiny shop as for fifty. So topics share their runs, and each has its own
shops to look at; the models look at no shop but by its name, so that one cannot help or disturb another.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from tests.properties.warehouse import Export, Warehouse

#: The order of arrival that every topic knows; others have names of their own.
DAY_BY_DAY = "day by day"
Rows = list[tuple[object, ...]]


@dataclass(frozen=True)
class Topic:
    """Shops of one topic, and what arrives for them.

    ``land`` lands what arrives on a day, in every shop of ``shops``. ``killed_after`` names, for an order of arrival
    and a day, the models that a first run of the day reaches before it is killed; the run that follows is about the
    same day. ``watched`` are queries, by name, whose rows are kept after every step.
    """

    shops: Sequence[str]
    land: Callable[[Warehouse, date], None]
    killed_after: Mapping[tuple[str, date], Sequence[str]] = field(default_factory=dict)
    watched: Mapping[str, str] = field(default_factory=dict)


class Histories:
    """Topics that share their homes: one home for each order of arrival, and one built as a whole.

    ``orders`` names orders of arrival; each is a sequence of steps, and a step the days that arrive before one run
    about them, which lie side by side. Homes are built when they are first asked for, and kept.
    """

    def __init__(self, folder: Path, topics: Sequence[Topic], orders: Mapping[str, Sequence[Sequence[date]]]) -> None:
        shops = [shop for topic in topics for shop in topic.shops]
        assert len(shops) == len(set(shops)), f"shops of two topics: {sorted({s for s in shops if shops.count(s) > 1})}"
        assert len({frozenset(day for step in steps for day in step) for steps in orders.values()}) == 1, "other days"
        self._folder = folder
        self._topics = topics
        self._orders = orders
        self._ended: dict[str, Warehouse] = {}
        self._exports: dict[str, Export] = {}
        self._seen: dict[tuple[str, str], list[Rows]] = {}

    @cached_property
    def whole(self) -> Warehouse:
        """What arrived day by day in a home of its own, built once and as a whole."""
        home = self._folder / "whole"
        shutil.copytree(self.ended(DAY_BY_DAY).home / "lake", home / "lake")
        warehouse = Warehouse(home)
        warehouse.build()
        return warehouse

    @cached_property
    def expected(self) -> Export:
        """What every order of arrival must end in."""
        return self.whole.export()

    def export(self, order: str) -> Export:
        """What an order of arrival ended in."""
        if order not in self._exports:
            self._exports[order] = self.ended(order).export()
        return self._exports[order]

    def seen(self, order: str, query: str) -> list[Rows]:
        """Rows of a watched query after each step of an order, where they are others than the step before."""
        self.ended(order)
        rows = self._seen[order, query]
        return [now for before, now in zip([[], *rows], rows, strict=False) if now != before]

    def ended(self, order: str) -> Warehouse:
        """The home in which a step arrives, its run follows, then the next step arrives."""
        if order not in self._ended:
            warehouse = Warehouse(self._folder / order.replace(" ", "-"))
            for step in self._orders[order]:
                self._arrive(warehouse, order, step)
            self._ended[order] = warehouse
        return self._ended[order]

    def _arrive(self, warehouse: Warehouse, order: str, step: Sequence[date]) -> None:
        for day in step:
            for topic in self._topics:
                topic.land(warehouse, day)
        reached = [
            models for topic in self._topics for day in step for models in topic.killed_after.get((order, day), ())
        ]
        if reached:
            warehouse.build(step[0], step[-1], select=reached)
        warehouse.build(step[0], step[-1])
        for topic in self._topics:
            for name, query in topic.watched.items():
                self._seen.setdefault((order, name), []).append(warehouse.rows(query))

"""The table of next-item figures that the tests on public data print and look at."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from ml.evaluation.intervals import Estimate
from ml.recommend.sessions.model import NextItems
from ml.recommend.sessions.next_item import (
    Hits,
    Positions,
    SessionResamples,
    describe,
    figures,
    gain,
    judge,
    table,
)
from ml.recommend.sessions.steps import Steps


@dataclass
class NextItemTable:
    """Every member on the same positions: all of them, and with lists without repeats those that are new."""

    training: Steps
    at: Positions
    found: dict[str, dict[str, Estimate | float | None]] = field(default_factory=dict)
    hits: dict[str, Hits] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.resamples = SessionResamples(self.at.session)
        self.new = self.at.rows(~self.at.repeats)
        self.new_resamples = SessionResamples(self.new.session)
        self.positions = describe(self.at, self.resamples)

    def add(self, members: Iterable[tuple[str, NextItems]]) -> None:
        """Fit and judge members by name."""
        for name, model in members:
            started = time.process_time()
            model.fit(self.training)
            fitted = time.process_time() - started
            self.hits[name] = judge(model, self.at, self.training)
            without = judge(model, self.new, self.training, filter_seen=True)
            self.found[name] = {
                **figures(self.at, self.hits[name], self.resamples),
                "hr@20_new_without_repeats": self.new_resamples.mean(without.hit),
                "mrr@20_new_without_repeats": self.new_resamples.mean(without.reciprocal),
                "seconds_to_fit": fitted,
            }

    def figure(self, name: str, metric: str) -> Estimate:
        """One figure with its interval."""
        found = self.found[name][metric]
        assert isinstance(found, Estimate)
        return found

    def gain(self, name: str, over: str, metric: str = "mrr") -> Estimate:
        """Paired difference of two members."""
        found = gain(self.hits[name], self.hits[over], self.resamples, metric=metric)
        assert found is not None
        return found

    def show(self) -> None:
        """Print everything."""
        with pd.option_context("display.width", 250, "display.max_columns", None, "display.max_colwidth", None):
            print({name: one and round(one.value, 3) for name, one in self.positions.items()}, len(self.at))
            shown = table(self.found)
            for columns in (shown.columns[:4], shown.columns[4:]):
                print(shown[list(columns)].to_string())

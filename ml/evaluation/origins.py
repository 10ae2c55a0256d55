"""Back-tests by date: learn on what was over by a day, test on what came after it.

Source: L. Tashman, "Out-of-sample tests of forecasting accuracy" (2000), on rolling origins,
https://doi.org/10.1016/S0169-2070(00)00065-0.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.enough import NotEnoughData


@dataclass(frozen=True)
class Origin:
    """One date of a back-test: what was known of each case (customer, session) before ``as_of``, and what came true.

    ``frame`` has a row per case (features, and ``customer_id``, whose rows are kept together), ``y`` (shape ``(n,)``)
    the outcome in the horizon that begins on ``as_of``.
    """

    as_of: dt.date
    frame: pd.DataFrame
    y: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if len(self.frame) != len(self.y):
            raise ValueError(
                f"origin {self.as_of}: expected an outcome per row, got {len(self.y)} for {len(self.frame)}"
            )


@dataclass(frozen=True)
class Cut:
    """One fold of a back-test: ``training`` origins whose outcomes were all known on ``test.as_of``."""

    training: tuple[Origin, ...]
    test: Origin


def cuts(origins: Sequence[Origin], horizon_days: int, tests: int) -> list[Cut]:
    """The newest ``tests`` folds, oldest first: each is tested on one origin and learned from all whose
    horizon ended by that day.

    A fold that learns from less than half of all origins says little of a model that will learn from all of
    them (in a young shop its customers are all new, say), and only the newest fold may be such a one.
    Raises ``NotEnoughData`` where no origin has another one a horizon before it.
    """
    ordered = sorted((origin for origin in origins if len(origin.frame)), key=lambda origin: origin.as_of)
    horizon = dt.timedelta(days=horizon_days)
    found = []
    for test in ordered:
        training = tuple(origin for origin in ordered if origin.as_of + horizon <= test.as_of)
        if training:
            found.append(Cut(training, test))
    if not found:
        days = (ordered[-1].as_of - ordered[0].as_of).days + horizon_days if ordered else 0
        raise NotEnoughData("history", f"at least {2 * horizon_days} days from the first case on", f"{days} days")
    telling = [fold for fold in found[:-1] if 2 * len(fold.training) >= len(ordered)]
    return [*telling, found[-1]][-tests:]


def stacked(
    origins: Sequence[Origin], most_rows: int, random_state: int
) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    """All rows of ``origins`` under one another, or a seeded sample of ``most_rows`` of them, in order of date."""
    frame = pd.concat([origin.frame for origin in origins], ignore_index=True)
    y = np.concatenate([origin.y for origin in origins])
    if len(frame) <= most_rows:
        return frame, y
    rows = np.sort(np.random.default_rng(random_state).choice(len(frame), most_rows, replace=False))
    return frame.iloc[rows].reset_index(drop=True), y[rows]

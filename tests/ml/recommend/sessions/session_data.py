"""Small sessions for tests, and frames of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.recommend.sessions.steps import CATEGORY, ITEM, KIND, SESSION, TIME, VISITOR, Steps

START = pd.Timestamp("2026-03-01")


def frame_of(sessions: dict[str, str | list[str]], days_apart: float = 1.0) -> pd.DataFrame:
    """Sessions by id, each a list of items (or a text of one-letter items), one beginning ``days_apart`` after the
    other, a minute between steps."""
    return pd.DataFrame(
        [
            (session, item, START + pd.Timedelta(days=number * days_apart) + pd.Timedelta(minutes=place))
            for number, (session, items) in enumerate(sessions.items())
            for place, item in enumerate(items)
        ],
        columns=[SESSION, ITEM, TIME],
    )


def steps_of(sessions: dict[str, str | list[str]], days_apart: float = 1.0) -> Steps:
    """The same as ``Steps``."""
    return Steps.from_frame(frame_of(sessions, days_apart))


def random_frame(seed: int, sessions: int = 40, items: int = 12, longest: int = 8) -> pd.DataFrame:
    """Sessions of random items, some of them common, with kinds, categories and visitors."""
    generator = np.random.default_rng(seed)
    chance = 1.0 / np.arange(1, items + 1)
    frame = frame_of(
        {
            f"s{number:03d}": [
                f"item-{one:02d}"
                for one in generator.choice(items, generator.integers(1, longest), p=chance / chance.sum())
            ]
            for number in range(sessions)
        },
        days_apart=0.25,
    )
    frame[KIND] = np.where(generator.random(len(frame)) < 0.2, "purchase", "view_item")
    frame[CATEGORY] = [f"category {int(item[-2:]) % 3}" for item in frame[ITEM]]
    frame[VISITOR] = [f"v{int(session[1:]) % 15}" for session in frame[SESSION]]
    return frame


def as_lists(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Items of each session in order of time."""
    ordered = frame.sort_values([SESSION, TIME], kind="stable")
    return {str(session): list(part[ITEM]) for session, part in ordered.groupby(SESSION)}

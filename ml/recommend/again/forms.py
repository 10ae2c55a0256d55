"""What orders a user's own items by the chance that they are bought again: plain forms, one of season, one learned.

A plain form is what shops show as "buy it again". Each is a score above 0; how likely an item is bought within the
horizon follows from the score by isotonic regression on earlier dates, which keeps the order.

Sources: B. Zadrozny, C. Elkan, "Transforming classifier scores into accurate multiclass probability estimates" (2002)
on isotonic calibration; A. Anderson et al., "The dynamics of repeat consumption" (2014) on recency and frequency as
what repeats are foreseen by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Floats
from ml.recommend.again.pairs import OUTCOME
from ml.recommend.tables import ACTIVE_DAYS

#: Items bought again, and items not, below which nothing is learned.
FEWEST_OUTCOMES = 20
#: A probability is never quite 0 or 1: nobody knows.
_SURE = 1e-6
#: Days that stand for the gap between purchases of an item that nobody bought twice.
_UNKNOWN_GAP = 90.0

#: From rows of ``pairs_at`` to scores, shape ``(n,)``, larger is sooner.
Formula = Callable[[pd.DataFrame], Floats]


class AgainModel(Protocol):
    """What orders pairs of users and items, and says how likely each is."""

    @property
    def name(self) -> str:
        """As in the tables."""

    @property
    def simplicity(self) -> int:
        """As in ``ml.registry.contest``: 0 for the plain forms."""

    def fit(self, pairs: pd.DataFrame) -> Self:
        """Learn from rows of ``pairs_at`` whose outcome is known. Raises ``NotEnoughData``."""

    def scores(self, pairs: pd.DataFrame) -> Floats:
        """What lists are ordered by, shape ``(n,)``."""

    def probabilities(self, pairs: pd.DataFrame) -> Floats:
        """Chance that each is bought within the horizon, shape ``(n,)``, between 0 and 1, in the order of scores."""


class Form:
    """A score of :data:`FORMULAS` by its name; only what it means as a probability is learned."""

    def __init__(self, name: str, simplicity: int = 0) -> None:
        self.name = name
        self.simplicity = simplicity

    def fit(self, pairs: pd.DataFrame) -> Self:
        """Learn the probabilities, of :func:`recent_buyers` alone: who is gone buys less at the same score."""
        pairs = recent_buyers(pairs)
        happened = _outcomes(pairs)
        self.chance_ = IsotonicRegression(y_min=_SURE, y_max=1 - _SURE, out_of_bounds="clip")
        self.chance_.fit(self.scores(pairs), happened)
        return self

    def scores(self, pairs: pd.DataFrame) -> Floats:
        """The formula's."""
        return np.asarray(FORMULAS[self.name](pairs), dtype=float)

    def probabilities(self, pairs: pd.DataFrame) -> Floats:
        """The share that was bought again of pairs with such a score."""
        return np.asarray(self.chance_.predict(self.scores(pairs)), dtype=float)


class RepeatModel:
    """A logistic regression on :func:`pair_features`: habit, season, and whether it is about time."""

    name = "repeat_model"
    simplicity = 2

    def __init__(self, penalty: float = 1.0) -> None:
        self.penalty = penalty

    def fit(self, pairs: pd.DataFrame) -> Self:
        """Learn from the outcomes."""
        happened = _outcomes(pairs)
        self.model_ = make_pipeline(StandardScaler(), LogisticRegression(C=1 / self.penalty, max_iter=500))
        with threadpool_limits(1):
            self.model_.fit(pair_features(pairs), happened)
        return self

    def scores(self, pairs: pd.DataFrame) -> Floats:
        """The log odds."""
        with threadpool_limits(1):
            return np.asarray(self.model_.decision_function(pair_features(pairs)), dtype=float)

    def probabilities(self, pairs: pd.DataFrame) -> Floats:
        """The model's own."""
        return np.clip(1 / (1 + np.exp(-self.scores(pairs))), _SURE, 1 - _SURE)


def recent_buyers(pairs: pd.DataFrame) -> pd.DataFrame:
    """Of ``pairs`` those of users who bought within ``ACTIVE_DAYS``, as lists are for who was there as lately; where
    nobody did, all of them."""
    lately = pairs[pairs["user_since"] <= ACTIVE_DAYS]
    return lately if len(lately) else pairs


def pair_features(pairs: pd.DataFrame) -> pd.DataFrame:
    """What :class:`RepeatModel` reads, a row for each of ``pairs``: counts and days by their logarithm."""
    found: dict[str, Any] = {
        name: np.log1p(pairs[name].astype(float))
        for name in (
            "days_bought", "faded_30", "faded_90", "faded_180", "since", "since_first", "user_days", "user_items",
            "user_since", "item_days", "item_month", "item_week", "item_month_before", "item_since", "item_age",
        )
    }  # fmt: skip
    days_bought, since = pairs["days_bought"].astype(float), pairs["since"].astype(float)
    own_gap = (pairs["since_first"] - pairs["since"]) / (days_bought - 1).where(days_bought > 1)
    gap = own_gap.fillna(pairs["item_gap"].astype(float)).fillna(_UNKNOWN_GAP)
    found |= {
        "share_of_days": days_bought / pairs["user_days"],
        "bought_once": (days_bought == 1).astype(float),
        "user_rate": np.log1p(30 * pairs["user_days"] / pairs["user_age"]),
        "item_repeat_rate": pairs["item_repeats"] / pairs["item_days"],
        # a week more, so that a gap of a day or two does not make everything late
        "due": (since / (gap + 7)).clip(upper=5),
        # shopping days since, on which it was left out, count more than days
        "left_out": np.log1p(since - pairs["user_since"]),
    }
    return pd.DataFrame(found, index=pairs.index)


def _orders(pairs: pd.DataFrame) -> Floats:
    """Days with the item; equal ones by the newest."""
    return (pairs["days_bought"] + 1 / (1.0 + pairs["since"])).to_numpy(dtype=float)


def _last_bought(pairs: pd.DataFrame) -> Floats:
    """The newest first; equal ones by the days with it."""
    days = pairs["days_bought"].astype(float)
    return (1 / (pairs["since"] - days / (days + 1))).to_numpy(dtype=float)


def _popular(column: str) -> Formula:
    """What all buy most of the user's own; equal ones by the user's days with it."""

    def formula(pairs: pd.DataFrame) -> Floats:
        days = pairs["days_bought"].astype(float)
        return (pairs[column] + days / (days + 1)).to_numpy(dtype=float)

    return formula


def _faded(column: str) -> Formula:
    return lambda pairs: pairs[column].to_numpy(dtype=float)


def _in_season(pairs: pd.DataFrame) -> Floats:
    """Own days, halved every 180, times what all bought of it lately (geometric mean of week and month)."""
    lately = np.sqrt((pairs["item_week"] + 1.0) * (pairs["item_month"] + 1.0))
    return (pairs["faded_180"] * lately).to_numpy(dtype=float)


IN_SEASON = "most_ordered_in_season"
#: The plain forms of "buy again", popularity among the user's own items, and the form of season.
FORMULAS: Mapping[str, Formula] = {
    "most_ordered": _orders,
    "last_bought": _last_bought,
    "most_ordered_faded_30": _faded("faded_30"),
    "most_ordered_faded_90": _faded("faded_90"),
    "most_ordered_faded_180": _faded("faded_180"),
    "own_popular": _popular("item_days"),
    "own_popular_30_days": _popular("item_month"),
    IN_SEASON: _in_season,
}
#: What a shop has without any of this.
PLAIN = tuple(name for name in FORMULAS if name != IN_SEASON)


def contenders() -> list[AgainModel]:
    """Unfitted: the plain forms, the form of season, and the model."""
    return [*(Form(name) for name in PLAIN), Form(IN_SEASON, 1), RepeatModel()]


def _outcomes(pairs: pd.DataFrame) -> Floats:
    happened = pairs[OUTCOME].to_numpy(dtype=float)
    fewer = int(min(happened.sum(), len(happened) - happened.sum()))
    if fewer < FEWEST_OUTCOMES:
        raise NotEnoughData("products bought again, and products not", f"{FEWEST_OUTCOMES} of each", f"{fewer}")
    return happened

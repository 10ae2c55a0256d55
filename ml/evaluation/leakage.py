"""Does a feature know the future? Two checks: it changes when the future is taken away, or it is too good to be true.

Source: S. Kaufman, S. Rosset, C. Perlich, "Leakage in data mining" (2012), https://doi.org/10.1145/2382577.2382579.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from ml.evaluation.classification import auc
from ml.evaluation.intervals import Floats
from ml.learners.columns import as_features, preprocessor

#: A single feature with a larger AUC than this is looked at, and is an alarm if the others fall so far short of it.
IMPLAUSIBLE_AUC = 0.95
#: "Far short": the feature leaves less than this part of the others' wrongly ordered pairs (1 - AUC).
_ERROR_LEFT = 1 / 3
#: Rows to look at, and cases of each kind below which an AUC of 1 happens by itself.
_ROWS = 20_000
_FEWEST_OF_EACH = 20


@dataclass(frozen=True)
class TooGood:
    """A feature that tells the outcome by itself: its ``auc``, and that of a model of all the others."""

    feature: str
    auc: float
    auc_of_others: float

    def __str__(self) -> str:
        return (
            f"{self.feature} alone has an AUC of {self.auc:.3f}, all other features together "
            f"{self.auc_of_others:.3f}: it looks as if it knew the outcome"
        )


def changed_features(
    with_later: pd.DataFrame, without_later: pd.DataFrame, keys: Sequence[str] = ("shop_id", "as_of", "customer_id")
) -> list[str]:
    """Columns whose values for the same rows differ when what is dated later is removed (or shuffled).

    Both frames hold the features of one date. A row that is in one of them only changes every column: who is
    known must not hang on the future either. Raises ``ValueError`` where the columns differ.
    """
    if set(with_later.columns) != set(without_later.columns):
        raise ValueError(
            f"features: expected the same columns, got {sorted(set(with_later.columns) ^ set(without_later.columns))} "
            "on one side only"
        )
    by = list(keys)
    columns = [column for column in with_later.columns if column not in by]
    before = with_later.sort_values(by, ignore_index=True)
    after = without_later.sort_values(by, ignore_index=True)
    if len(before) != len(after) or not before[by].astype(str).equals(after[by].astype(str)):
        return columns
    return [column for column in columns if not _same(before[column], after[column])]


def too_good_features(frame: pd.DataFrame, y: Floats, *, random_state: int = 42) -> list[TooGood]:
    """Features of ``frame`` (numbers, one row per case) that foretell ``y`` (shape ``(n,)``, 0 or 1) implausibly well.

    An AUC above ``IMPLAUSIBLE_AUC``, in either direction, of the value or of its being known at all; unless a
    logistic regression on the others comes near it on rows held out, for then the task is easy. The others are
    those that are no suspects themselves, lest copies of a leak vouch for each other. Empty where there are
    fewer than ``_FEWEST_OF_EACH`` cases of a kind.
    """
    if min(y.sum(), len(y) - y.sum()) < _FEWEST_OF_EACH:
        return []
    rows = np.random.default_rng(random_state).permutation(len(y))[:_ROWS]
    part, truth = frame.iloc[rows].reset_index(drop=True), y[rows]
    alone = {str(name): _auc_alone(part[name], truth) for name in frame.columns}
    suspects = [name for name, value in alone.items() if value > IMPLAUSIBLE_AUC]
    if not suspects:
        return []
    # Without all suspects at once: two copies of a leak must not vouch for each other.
    others = _auc_of([name for name in alone if name not in suspects], part, truth, random_state)
    return [TooGood(name, alone[name], others) for name in suspects if 1 - alone[name] < _ERROR_LEFT * (1 - others)]


def _auc_alone(values: pd.Series, truth: Floats) -> float:
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(numbers)
    best = 0.5
    readings = [known.astype(float)]
    if known.any():
        spread = np.unique(numbers[known])
        # As ranks: the measure tells scores apart to a fixed number of decimals. Unknown lies below or above all.
        ranks = np.searchsorted(spread, np.where(known, numbers, spread[0])).astype(float)
        readings += [np.where(known, ranks, -1.0), np.where(known, ranks, float(len(spread)))]
    for reading in readings:
        value = auc(truth, reading)(np.ones(len(truth)))
        if np.isfinite(value):
            best = max(best, value, 1 - value)
    return best


def _auc_of(names: list[str], frame: pd.DataFrame, truth: Floats, random_state: int) -> float:
    half = len(truth) // 2
    usable = [name for name in names if len(frame[name].drop_duplicates()) > 1]
    if not usable or len(np.unique(truth[:half])) < 2 or len(np.unique(truth[half:])) < 2:
        return 0.5
    X = as_features(frame, usable)
    with threadpool_limits(limits=1):
        model = make_pipeline(preprocessor(usable), LogisticRegression(C=0.1, max_iter=1000, random_state=random_state))
        scores = model.fit(X.iloc[:half], truth[:half]).predict_proba(X.iloc[half:])[:, 1]
    return float(auc(truth[half:], scores)(np.ones(len(scores))))


def _same(before: pd.Series, after: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(before) and pd.api.types.is_numeric_dtype(after):
        left = before.to_numpy(dtype=float, na_value=np.nan)
        right = after.to_numpy(dtype=float, na_value=np.nan)
        return bool(np.array_equal(left, right, equal_nan=True))
    return bool(before.astype("str").where(before.notna(), "").equals(after.astype("str").where(after.notna(), "")))

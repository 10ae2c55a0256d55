"""Why a case has its score: what one thing about the case changes, in log-odds.

For each concept (a few columns that say the same thing, such as recency) two changes are averaged: that of the case
when the concept's columns become the typical row's, and that of the typical row when they become the case's.
Either alone can be blind: a customer of one order and no repeat is no likelier to return were only one
of the two as usual. This works for every model alike, and for a logistic regression it is exactly coefficient
times distance from the typical row.

Source: the first and the last term of the Shapley value, as in E. Štrumbelj and I. Kononenko, "Explaining prediction
models and individual predictions with feature contributions" (2014), https://doi.org/10.1007/s10115-013-0679-x.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.intervals import Floats
from ml.learners.probability_model import ProbabilityModel

_EDGE = 1e-6
#: Rows scored at a time, so that memory does not grow with customers times concepts.
_CHUNK = 50_000
#: A contribution below this (in log-odds) is no reason.
FAINT = 0.02


def contributions(
    model: ProbabilityModel,
    frame: pd.DataFrame,
    concepts: Mapping[str, Sequence[str]],
    typical: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """Change of log-odds per row and concept; positive pushes the probability up.

    ``typical`` holds what is usual for some columns (today's medians, say), which else is what it was in
    training.

    ``concepts`` maps a name to the columns it covers; columns that the model does not use are passed over,
    and a concept without any is all zeros. Index as ``frame``'s.
    """
    known = {**model.reference_, **(typical or {})}
    used = [*model.numeric_, *model.categorical_]
    usual = model.matrix(pd.DataFrame([known]))[0]
    base = _log_odds(model.of_matrix(usual[None, :]))[0]
    places = {concept: model.places([name for name in names if name in used]) for concept, names in concepts.items()}
    found = np.zeros((len(frame), len(places)))
    for start in range(0, len(frame), _CHUNK):
        rows = model.matrix(frame.iloc[start : start + _CHUNK])
        whole = _log_odds(model.of_matrix(rows))
        for number, at in enumerate(places.values()):
            if len(at):
                last, first = _as_usual(model, rows, whole, usual, at), _alone(model, rows, usual, at)
                found[start : start + _CHUNK, number] = ((whole - last) + (first - base)) / 2
    return pd.DataFrame(found, index=frame.index, columns=list(places))


def _as_usual(
    model: ProbabilityModel, rows: np.ndarray, whole: Floats, usual: np.ndarray, at: npt.NDArray[np.int64]
) -> Floats:
    """Log-odds of ``rows`` with the columns ``at`` as ``usual``; of rows that are so they are known (``whole``)."""
    differs = np.flatnonzero((rows[:, at] != usual[at]).any(axis=1))
    changed = rows[differs]
    changed[:, at] = usual[at]
    found = whole.copy()
    found[differs] = _log_odds(model.of_matrix(changed))
    return found


def _alone(model: ProbabilityModel, rows: np.ndarray, usual: np.ndarray, at: npt.NDArray[np.int64]) -> Floats:
    """Log-odds of the row ``usual`` with the columns ``at`` as in ``rows``, each different case worked out once."""
    codes = np.zeros(len(rows), dtype=np.int64)
    for column in at:
        # Whole numbers for the combinations so far: how often each occurs does not matter, and no row is sorted twice.
        pair = pd.factorize(rows[:, column])[0] + 1
        codes = pd.factorize(codes * (int(pair.max()) + 1) + pair)[0]
        if 2 * codes.max() > len(rows):
            # Hardly any are equal: looking for them would cost more than it saves.
            codes = np.arange(len(rows))
            break
    cases = np.flatnonzero(~pd.Series(codes).duplicated().to_numpy())
    different = np.repeat(usual[None, :], len(cases), axis=0)
    different[:, at] = rows[np.ix_(cases, at)]
    return _log_odds(model.of_matrix(different))[codes]


def strongest(contributed: pd.DataFrame, how_many: int = 3) -> list[list[str]]:
    """Per row the names of the ``how_many`` concepts that push the probability up most, strongest first.

    Fewer where fewer push at all. Ties go to the concept that is listed first.
    """
    values = np.round(contributed.to_numpy(dtype=float), 9)
    order = np.argsort(-values, axis=1, kind="stable")[:, :how_many]
    names = np.asarray(contributed.columns, dtype=object)
    return [
        [names[column] for column in row if values[position, column] >= FAINT] for position, row in enumerate(order)
    ]


def _log_odds(p: Floats) -> Floats:
    safe = np.clip(p, _EDGE, 1 - _EDGE)
    odds: Floats = np.log(safe / (1 - safe))
    return odds

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
    # At least one part, so that no rows give no rows.
    parts = [frame.iloc[start : start + _CHUNK] for start in range(0, max(len(frame), 1), _CHUNK)]
    columns: dict[str, Floats] = {}
    base = _log_odds(model.predict_proba(pd.DataFrame([known])))[0]
    whole = [_log_odds(model.predict_proba(part)) for part in parts]
    for concept, names in concepts.items():
        covered = [name for name in names if name in used]
        if not covered:
            columns[concept] = np.zeros(len(frame))
            continue
        usual = {name: known[name] for name in covered}
        last, first = [], []
        for part, was in zip(parts, whole, strict=True):
            last.append(was - _log_odds(model.predict_proba(part.assign(**usual))))
            typical_rows = part[covered].assign(**{name: known[name] for name in used if name not in covered})
            first.append(_log_odds(model.predict_proba(typical_rows)) - base)
        columns[concept] = (np.concatenate(last) + np.concatenate(first)) / 2
    return pd.DataFrame(columns, index=frame.index)


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

"""Scores that must not be served, whatever model they come from."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: Scores below which it may be chance that they are equal.
_FEWEST = 20
#: Rules that may rightly say the same of everybody: of a day without a cart, say, or where nobody bought lately.
_MAY_BE_EQUAL = {"base_rate", "bought_in_last_30_days", "carted_already", "one_column"}


def fault_of(probabilities: pd.Series, model: str) -> str | None:
    """What is wrong with these scores of ``model``, in words; ``None`` where nothing is.

    One score for everybody is what the base rate gives, and a rule of one column may; it is a fault of every other
    model.
    """
    values = probabilities.to_numpy(dtype=float, na_value=np.nan)
    broken = int((~((values >= 0) & (values <= 1))).sum())
    if broken:
        return f"{broken} of {len(values)} scores are no probabilities"
    if len(values) >= _FEWEST and np.ptp(values) < 1e-9 and model not in _MAY_BE_EQUAL:
        return f"{model} gives the same score to all {len(values)}, {values[0]:.4f}"
    return None

"""Scores that must not be served, whatever model they come from."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: Customers below which equal scores may be chance.
_FEWEST = 20


def fault_of(probabilities: pd.Series, model: str) -> str | None:
    """What is wrong with these scores of ``model``, in words; ``None`` where nothing is.

    One score for everybody is what the base rate gives, and a fault of every other model.
    """
    values = probabilities.to_numpy(dtype=float, na_value=np.nan)
    broken = int((~((values >= 0) & (values <= 1))).sum())
    if broken:
        return f"{broken} of {len(values)} scores are no probabilities"
    if len(values) >= _FEWEST and np.ptp(values) < 1e-9 and model != "base_rate":
        return f"{model} gives all {len(values)} customers the same score, {values[0]:.4f}"
    return None

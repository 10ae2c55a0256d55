"""How well a score tells yes from no."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata


def auc(happened: ArrayLike, score: ArrayLike) -> float:
    """Chance that one that happened scores above one that did not, ties counting half (Mann and Whitney 1947)."""
    yes = np.asarray(happened, dtype=bool)
    ones = int(yes.sum())
    return float((rankdata(score)[yes].sum() - ones * (ones + 1) / 2) / (ones * (len(yes) - ones)))

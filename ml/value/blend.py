"""The mean of a model of how people buy and a regression on how they behave.

The first follows the level of the shop at the cut but sees nothing but orders; the second sees everything but
carries the level of the season that it learned in. Their errors differ, so their mean is steadier than both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import pandas as pd

from ml.value.cuts import Cut
from ml.value.histories import Floats
from ml.value.lifetime import BuyTillYouDie
from ml.value.naive import OutcomeModel
from ml.value.spend import RidgeTweedie


class Blend:
    """Equal weights: with two or three cuts to learn from, learned weights would be the weights of one season.

    Learned: ``parts_``, the fitted models.
    """

    name = "blend_bgnbd_ridge"

    def __init__(self, random_state: int = 42) -> None:
        self.random_state = random_state

    def fit(self, target: str, learned: Sequence[Cut], now: Cut) -> Self:
        """See ``OutcomeModel``."""
        parts: tuple[OutcomeModel, ...] = (
            BuyTillYouDie("bgnbd", self.random_state),
            RidgeTweedie(self.random_state),
        )
        self.parts_ = tuple(part.fit(target, learned, now) for part in parts)
        return self

    def predict(self, features: pd.DataFrame) -> Floats:
        """Shape ``(n,)``; NaN where either part knows nothing."""
        expected: Floats = sum(part.predict(features) for part in self.parts_) / len(self.parts_)  # type: ignore[assignment]
        return expected

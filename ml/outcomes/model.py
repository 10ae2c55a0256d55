"""A trained answer to "will this customer do it within H days", with all that scoring and watching it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ml.evaluation.drift import Drift, Profile, drift, profile
from ml.evaluation.intervals import Floats
from ml.evaluation.origins import Origin
from ml.learners.probability_model import ProbabilityModel
from ml.learners.reasons import contributions, strongest
from ml.outcomes.evidence import Words, evidence
from ml.outcomes.features import concepts, may_drift

#: Reasons given per customer.
REASONS = 3
#: Customers without whom there is no usual one.
_FEWEST_USUAL = 50


@dataclass(frozen=True)
class OutcomeModel:
    """What serves for one shop, capability and horizon.

    ``model`` is the winner fitted to all dates; ``concepts`` its columns by what they speak of; ``typical``
    the usual customer's features (medians of the newest date learned from), ``profiles`` how the features of
    those whom it was to score were distributed when it was trained, those of columns that grow with the
    calendar left out.
    """

    horizon_days: int
    model: ProbabilityModel
    concepts: dict[str, list[str]]
    typical: dict[str, float]
    profiles: tuple[Profile, ...]

    def watching(self, scored: pd.DataFrame) -> OutcomeModel:
        """The same model, for which drift is measured from ``scored``, the features it is trained to score.

        Not from those it learned from: they are a horizon old, what changed in between is for the back-test to
        judge, and a model cannot be learned from anything newer.
        """
        return replace(self, profiles=tuple(profile(scored[name]) for name in self.features if may_drift(name)))

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that the model reads."""
        return (*self.model.numeric_, *self.model.categorical_)

    def probabilities(self, frame: pd.DataFrame) -> Floats:
        """Chance per row of ``frame`` (shape ``(n,)``) that it happens within ``horizon_days``."""
        return self.model.predict_proba(frame)

    def reasons(self, frame: pd.DataFrame, probability: Floats) -> pd.DataFrame:
        """Columns ``reason_1`` … ``reason_3`` and the same with ``_zh``: the facts that push this customer's
        probability up most, strongest first; ``None`` where fewer do.

        A fact is held against the usual customer among that quarter of ``frame`` (everyone of the day) to whom it
        is least likely to happen: where most customers leave, the usual one of all is leaving too, and nobody
        differs from them. Few rows have no usual customer, and are held against those of training. ``probability``
        is what :meth:`probabilities` says of ``frame``.
        """
        typical = self.typical
        if len(frame) >= _FEWEST_USUAL:
            typical = typical | _medians(frame[probability <= np.quantile(probability, 0.25)], list(typical))
        chosen = strongest(contributions(self.model, frame, self.concepts, typical), REASONS)
        told: list[list[Words | None]] = [[None] * REASONS for _ in range(len(frame))]
        for concept in self.concepts:
            at = [
                (row, place) for row, names in enumerate(chosen) for place, name in enumerate(names) if name == concept
            ]
            if not at:
                continue
            facts = evidence(concept, frame.iloc[[row for row, _ in at]], typical)
            for (row, place), words in zip(at, facts, strict=True):
                told[row][place] = words
        columns: dict[str, list[str | None]] = {}
        for place in range(REASONS):
            columns[f"reason_{place + 1}"] = [row[place].en if row[place] else None for row in told]  # type: ignore[union-attr]
        for place in range(REASONS):
            columns[f"reason_{place + 1}_zh"] = [row[place].zh if row[place] else None for row in told]  # type: ignore[union-attr]
        return pd.DataFrame(columns, index=frame.index, dtype=object)

    def importance(self, frame: pd.DataFrame) -> dict[str, float]:
        """Mean absolute change of log-odds by each concept over the rows of ``frame``."""
        contributed = contributions(self.model, frame, self.concepts)
        return {str(name): float(contributed[name].abs().mean()) for name in contributed.columns}

    def drift(self, frame: pd.DataFrame) -> list[Drift]:
        """How far each profiled feature of ``frame`` lies from what was learned from."""
        return [drift(known, frame[known.name]) for known in self.profiles if known.name in frame.columns]


def outcome_model(model: ProbabilityModel, newest: Origin, horizon_days: int, columns: Sequence[str]) -> OutcomeModel:
    """``model`` with what the ``newest`` date that it learned from says about ``columns``, its candidates' features."""
    used = [*model.numeric_, *model.categorical_]
    return OutcomeModel(
        horizon_days=horizon_days,
        model=model,
        concepts=concepts(used),
        typical=_medians(newest.frame, columns),
        profiles=(),
    )


def _medians(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, float]:
    medians = frame[list(columns)].astype("float64").median()
    return {str(name): float(value) for name, value in medians.items() if np.isfinite(value)}

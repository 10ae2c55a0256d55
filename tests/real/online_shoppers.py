"""UCI Online Shoppers (Sakar et al. 2018) as a frame of sessions: one row each, and whether it bought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from ml.evaluation.classification import auc
from ml.evaluation.intervals import Estimate
from ml.evaluation.resamples import estimates
from ml.learners.candidates import Candidate
from ml.learners.probability_model import ProbabilityModel
from tests.real.public_data import public_file

NUMERIC = (
    "Administrative",
    "Administrative_Duration",
    "Informational",
    "Informational_Duration",
    "ProductRelated",
    "ProductRelated_Duration",
    "BounceRates",
    "ExitRates",
    "PageValues",
    "SpecialDay",
)
#: Numbers that name something (a browser, a region) and count nothing.
CATEGORICAL = ("Month", "OperatingSystems", "Browser", "Region", "TrafficType", "VisitorType", "Weekend")
LATE_MONTHS = ("Nov", "Dec")


@dataclass(frozen=True)
class Shoppers:
    """``frame`` with ``NUMERIC`` and ``CATEGORICAL``, ``y`` (bought: 1), and which rows are of ``LATE_MONTHS``."""

    frame: pd.DataFrame
    y: npt.NDArray[np.float64]
    late: npt.NDArray[np.bool_]


def read_shoppers() -> Shoppers:
    """The file, or skip the test."""
    told = pd.read_csv(public_file("online_shoppers_intention/online_shoppers_intention.csv.gz"), sep=";")
    frame = told[[*NUMERIC, *CATEGORICAL]].astype(dict.fromkeys(CATEGORICAL, "str"))
    return Shoppers(frame, told["Revenue"].to_numpy(dtype=float), told["Month"].isin(LATE_MONTHS).to_numpy())


def five_fold(shoppers: Shoppers, candidate: Candidate, numeric: tuple[str, ...] = NUMERIC) -> Estimate:
    """AUC of all rows, each scored by a model of the four other fifths, with its 95 % interval."""
    scores = np.empty(len(shoppers.y))
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=42)
    for learned, held in folds.split(X=scores, y=shoppers.y):
        model = ProbabilityModel(candidate, numeric, CATEGORICAL)
        model.fit(shoppers.frame.iloc[learned], shoppers.y[learned])
        scores[held] = model.predict_proba(shoppers.frame.iloc[held])
    return auc_of(shoppers.y, scores)


def later_months(shoppers: Shoppers, candidate: Candidate, numeric: tuple[str, ...] = NUMERIC) -> Estimate:
    """AUC on November and December of a model of the months before, with its 95 % interval."""
    model = ProbabilityModel(candidate, numeric, CATEGORICAL)
    model.fit(shoppers.frame[~shoppers.late], shoppers.y[~shoppers.late])
    return auc_of(shoppers.y[shoppers.late], model.predict_proba(shoppers.frame[shoppers.late]))


def auc_of(y: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> Estimate:
    """AUC with its interval."""
    found = estimates({"auc": auc(y, scores)}, len(y))["auc"]
    assert found is not None
    return found

"""Who stands: baselines, the RFM logit, BG/NBD on purchase histories, and the general classifiers on all features."""

from __future__ import annotations

from functools import partial

from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer

from ml.learners.candidates import Candidate, classifiers, logit
from ml.outcomes.buy_till_you_die import HISTORY, BgNbdClassifier

BASE_RATE, RECENCY_ALONE, BOUGHT_LATELY = "base_rate", "recency_alone", "bought_in_last_30_days"
_RECENCY = "days_since_last_order"
#: The reader of columns takes their logarithms.
RFM = (_RECENCY, "order_days", "net_revenue_minor", "days_since_first_order")


def purchase_candidates(horizon_days: int, *, happens_on_order: bool) -> tuple[Candidate, ...]:
    """Everyone, baselines (simplicity 0) first; ``happens_on_order`` says whether class 1 is to buy, or not to.

    Whether a customer bought lately is a baseline of buying only: nobody would call its opposite churn.
    """
    simple = [Candidate(BASE_RATE, 0, _base_rate), Candidate(RECENCY_ALONE, 0, logit(), (_RECENCY,))]
    if happens_on_order:
        simple.append(Candidate(BOUGHT_LATELY, 0, _bought_lately, ("orders_placed_30d",), raw=True))
    simple += [
        Candidate("rfm_logit", 1, logit(), RFM),
        Candidate("bg_nbd", 2, partial(_bg_nbd, horizon_days, happens_on_order), HISTORY, calibrate=True, raw=True),
    ]
    return tuple(classifiers(simple))


def _base_rate(seed: int) -> ClassifierMixin:
    return DummyClassifier(strategy="prior", random_state=seed)


def _bought_lately(seed: int) -> ClassifierMixin:
    return make_pipeline(
        SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True),
        Binarizer(threshold=0.0),
        LogisticRegression(random_state=seed),
    )


def _bg_nbd(horizon_days: int, happens_on_order: bool, seed: int) -> ClassifierMixin:
    return BgNbdClassifier(horizon_days=horizon_days, happens_on_order=happens_on_order)

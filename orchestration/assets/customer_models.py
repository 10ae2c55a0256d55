"""Which models of customers there are, what each reads and writes, and what their scores are held to."""

# No `from __future__ import annotations` here: Dagster reads the steps' annotations as objects.
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.assets.models import ModelStep

if TYPE_CHECKING:
    from ml.serving.capability import Capability
    from ml.serving.outcomes import Promise

_FEATURES = (dg.AssetKey(["features", "feat_customers"]), dg.AssetKey(["features", "feat_customer_days"]))
_SESSIONS = (dg.AssetKey(["features", "feat_session_starts"]),)


def _churn() -> "Capability":
    from ml.churn.customer_churn import Churn

    return Churn()


def _propensity() -> "Capability":
    from ml.propensity.customer_propensity import CustomerPropensity

    return CustomerPropensity()


def _intent() -> "Capability":
    from ml.propensity.session_intent import SessionIntent

    return SessionIntent()


def _value() -> "Capability":
    from ml.value.serving import CustomerValue

    return CustomerValue()


MODEL_STEPS = (
    ModelStep(
        "churn",
        _churn,
        {"churn_scores": "Chance that a customer buys nothing in the next H days, why, and what to do about it."},
        _FEATURES,
    ),
    ModelStep(
        "purchase_propensity",
        _propensity,
        {"purchase_propensity": "Chance that a customer buys within 7 days and within 30, and why."},
        _FEATURES,
    ),
    ModelStep(
        "session_intent",
        _intent,
        {"session_intent": "Chance that a session buys after its fifth event, for the newest days' sessions."},
        _SESSIONS,
    ),
    ModelStep(
        "customer_value",
        _value,
        {
            "customer_value": "Orders and net spend expected of each customer over the next H days, with an interval.",
            "value_tracking": "Repeat purchases by cohort and week, as they came and as the models expected them.",
        },
        _FEATURES,
    ),
)


def promises() -> "list[Promise]":
    """What the scores of churn and propensity said, and what must have happened for them to be right."""
    from ml.serving.outcomes import Promise, measure_promise

    return [
        Promise(
            "churn",
            "SELECT shop_id, as_of, horizon_days, customer_id, churn_probability AS score, model_version "
            "FROM ml.churn_scores",
            "outcome.orders_placed = 0",
            measure_promise,
        ),
        Promise(
            "purchase_propensity",
            "SELECT shop_id, as_of, horizon_days, customer_id, purchase_probability AS score, model_version "
            "FROM ml.purchase_propensity",
            "outcome.orders_placed > 0",
            measure_promise,
        ),
    ]

"""Behaviour: unknown stays unknown, and what tells nobody apart is left out with a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.segments.behaviour import BEHAVIOUR, BREADTH, DISCOUNTS, DWELL, VISITS, BehaviourFeatures, behaviour_values


def sources(n: int = 40, **columns: object) -> pd.DataFrame:
    numbers = np.arange(n)
    made = {
        "sessions_365d": 1 + numbers % 7,
        "tenure_days": 60 + 10 * numbers,
        "visit_seconds_365d": 120 * (1 + numbers % 5),
        "categories_wanted_90d": numbers % 3,
        "discounted_share_of_orders": (numbers % 4) / 4,
    }
    return pd.DataFrame(made | columns)


def test_values_are_in_words_of_their_names():
    row = behaviour_values(
        pd.DataFrame(
            {
                "sessions_365d": [10, 2, 365],
                "tenure_days": [150, 3, 900],
                "visit_seconds_365d": [3000, 0, 365 * 90],
                "categories_wanted_90d": [4, 0, 1],
                "discounted_share_of_orders": [0.25, None, 1],
            }
        )
    )
    # The second is known for three days only: counted as a month. The third's window is a year.
    assert row[VISITS].tolist() == pytest.approx([2, 2, 30])
    assert row[DWELL].tolist() == pytest.approx([5, 0, 1.5])
    assert row[BREADTH].tolist() == [4, 0, 1]
    assert row[DISCOUNTS].isna().tolist() == [False, True, False]


def test_a_buyer_who_was_never_seen_has_unknown_behaviour():
    row = behaviour_values(sources(1, sessions_365d=[0]))
    assert row[[VISITS, DWELL, BREADTH]].isna().all(axis=None)
    assert row[DISCOUNTS].notna().all()


def test_a_warehouse_without_dwell_leaves_dwell_out():
    values = behaviour_values(sources().drop(columns="visit_seconds_365d"))
    features = BehaviourFeatures().fit(values)
    assert features.columns_ == (VISITS, BREADTH, DISCOUNTS)
    assert {one.feature: one.reason for one in features.usability_}[DWELL] == "known for 0% of customers, needed 80%"


def test_all_are_used_and_standardised():
    values = behaviour_values(sources())
    features = BehaviourFeatures().fit(values)
    X = features.transform(values)
    assert features.columns_ == BEHAVIOUR
    assert X.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert X.std(axis=0) == pytest.approx(1)
    assert features.in_units(X) == pytest.approx(values.to_numpy())


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ([0.0] * 37 + [1.0] * 3, "92% of customers have the same value"),
        ([0.5] * 40, "100% of customers have the same value"),
        ([None] * 10 + [0.1, 0.7, 0.9] * 10, "known for 75% of customers"),
        ([None] * 40, "known for 0%"),
    ],
)
def test_a_feature_that_tells_nobody_apart_is_left_out(damage, reason):
    values = behaviour_values(sources(discounted_share_of_orders=pd.array(damage, dtype="Float64")))
    features = BehaviourFeatures().fit(values)
    assert DISCOUNTS not in features.columns_
    assert reason in features.usability_[-1].reason


def test_some_missing_values_are_kept_as_unknown():
    shares = pd.array([None, None, *[0.1, 0.9] * 19], dtype="Float64")
    values = behaviour_values(sources(discounted_share_of_orders=shares))
    X = BehaviourFeatures().fit(values).transform(values)
    assert np.isnan(X[:, -1]).tolist() == [True, True] + [False] * 38

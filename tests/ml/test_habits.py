"""Segments by habits: ratios that do not grow with time, and kinds of customers that only they show."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from ml.segments.behaviour import BehaviourFeatures
from ml.segments.choose_k import StabilityRule
from ml.segments.customer_segments import segment_customers
from ml.segments.feature_space import HABITS_SET, FeatureSpace
from ml.segments.habits import BASKET, CONVERSION, HABITS, PACE, habit_values

RULE = StabilityRule(k_max=4, n_resamples=20, n_init=3, resample_n_init=2)
#: Visits in 30 days, orders per visit, worth of an order in minor units: of three kinds of people.
KINDS = ((20.0, 0.08, 30_000.0), (5.0, 0.3, 4_000.0), (2.0, 0.7, 60_000.0))


def made_up_shop(seed: int = 3, n: int = 360) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Customers of three kinds who have known the shop for 60 to 360 days: RFM, features, kinds."""
    generator = np.random.default_rng(seed)
    kind = np.arange(n) % len(KINDS)
    pace, conversion, basket = (np.array(column)[kind] for column in zip(*KINDS, strict=True))
    tenure = generator.integers(60, 360, n)
    away = np.minimum(generator.integers(0, 200, n), tenure - 30)
    sessions = np.maximum(1, np.round(pace * (tenure - away) / 30 * generator.lognormal(0, 0.1, n)))
    orders = np.maximum(1, np.round(sessions * conversion * generator.lognormal(0, 0.1, n)))
    worth = basket * generator.lognormal(0, 0.2, n)
    keys = {"shop_id": "shop", "customer_id": [f"{number:04d}" for number in range(n)]}
    rfm = pd.DataFrame(
        keys
        | {
            "as_of": pd.Timestamp("2026-01-01"),
            "recency_days": away,
            "frequency": orders.astype("int64"),
            "monetary_minor": np.round(orders * worth).astype("int64"),
            "currency": "EUR",
        }
    )
    features = pd.DataFrame(
        keys
        | {
            "sessions_365d": sessions.astype("int64"),
            "tenure_days": tenure,
            "days_since_active": away,
            "orders_placed_365d": orders.astype("int64"),
            "mean_order_value_minor": worth,
        }
    )
    return rfm, features, kind


def test_values_are_in_words_of_their_names() -> None:
    row = habit_values(
        pd.DataFrame(
            {
                "sessions_365d": [10, 3, 73, 0, 4],
                "tenure_days": [160, 5, 900, 40, 33],
                "days_since_active": [10, 2, 0, None, 3],
                "orders_placed_365d": [2, 3, 1, 1, 0],
                "mean_order_value_minor": [500.0, None, 900.0, 100.0, 0.0],
            }
        )
    )
    # The second was seen on a few days only: counted as a month. Of the third a year is known.
    assert row[PACE].tolist() == pytest.approx([2, 3, 6, np.nan, 4], nan_ok=True)
    assert row[CONVERSION].tolist() == pytest.approx([0.2, 1, 1 / 73, np.nan, np.nan], nan_ok=True)
    assert row[BASKET].tolist() == pytest.approx([500, np.nan, 900, 100, np.nan], nan_ok=True)


def test_who_has_been_a_customer_for_longer_has_the_same_habits() -> None:
    once = {"sessions_365d": 6, "tenure_days": 60, "days_since_active": 0, "orders_placed_365d": 2}
    longer = {"sessions_365d": 24, "tenure_days": 240, "days_since_active": 0, "orders_placed_365d": 8}
    left = longer | {"tenure_days": 340, "days_since_active": 100}
    values = habit_values(pd.DataFrame([once, longer, left]).assign(mean_order_value_minor=900.0))
    assert values.nunique().tolist() == [1, 1, 1]


def test_ratios_are_taken_as_logarithms_and_come_back_in_units() -> None:
    values = habit_values(made_up_shop()[1])
    features = BehaviourFeatures(HABITS, ratios=True).fit(values)
    X = features.transform(values)
    assert features.columns_ == HABITS
    assert X.std(axis=0) == pytest.approx(1)
    assert features.in_units(X.copy()) == pytest.approx(values.to_numpy())
    double = features.transform(values * 2) - X
    assert double == pytest.approx(np.tile(np.log(2) / features.std_, (len(X), 1)))


def test_kinds_are_found_by_habits_and_named_by_them() -> None:
    rfm, features, kind = made_up_shop()
    result = segment_customers(rfm, rule=RULE, behaviour=features)
    assert adjusted_rand_score(kind, result.customers["segment_id"]) > 0.97
    alone = segment_customers(rfm, rule=RULE)
    assert adjusted_rand_score(kind, alone.customers["segment_id"]) < 0.7
    segments = result.segments
    assert segments["features"].unique().tolist() == [", ".join(HABITS)]
    assert segments["segment_name"].str.contains("comes|buys|orders", case=False).all()
    assert segments["segment_name_zh"].is_unique and segments["segment_name"].is_unique
    assert set(segments["currency"]) == {"EUR"}
    # Where a segment lies in recency, frequency and money is told all the same.
    ids = result.customers.set_index("customer_id")["segment_id"].reindex(rfm["customer_id"]).to_numpy()
    expected = np.log1p(rfm["frequency"]).groupby(ids).mean().pipe(np.expm1)
    assert segments.set_index("segment_id")["center_frequency"].sort_index().tolist() == pytest.approx(
        expected.round(2).tolist(), abs=0.011
    )
    assert segments["center_monetary_minor"].between(10_000, 3_000_000).all()
    tried = result.evaluation.set_index("model")
    assert {"kmeans_rfm", "kmeans_habits", "kmeans_habits_k03"} <= set(tried.index)
    about = json.loads(result.evaluation.query("model == 'kmeans' and metric == 'k'")["detail"].item())
    assert about["features_reason"].startswith("habits give 3 or more segments")


def test_a_buyer_of_whom_no_habit_is_known_is_average() -> None:
    rfm, features, _ = made_up_shop()
    features.loc[features.index[7], ["sessions_365d", "orders_placed_365d", "mean_order_value_minor"]] = 0
    result = segment_customers(rfm, rule=RULE, behaviour=features)
    row = result.customers.set_index("customer_id").loc["0007"]
    assert result.segments["features"].unique().tolist() == [", ".join(HABITS)]
    assert row["segment_id"] in set(result.segments["segment_id"])
    assert np.hypot(row["pca_x"], row["pca_y"]) < 0.1


def test_orders_in_another_currency_have_no_comparable_worth() -> None:
    rfm, features, _ = made_up_shop()
    yen = rfm.index % 9 == 4
    foreign = rfm.assign(currency=np.where(yen, "JPY", "EUR"))
    features.loc[yen, "mean_order_value_minor"] *= 160
    result = segment_customers(foreign, rule=RULE, behaviour=features)
    same = segment_customers(rfm[~yen], rule=RULE, behaviour=features[~yen])
    home = result.customers[~yen]
    assert adjusted_rand_score(home["segment_id"], same.customers["segment_id"]) == 1
    assert result.segments["features"].iloc[0] == ", ".join(HABITS)


def test_one_habit_alone_is_not_tried() -> None:
    rfm, features, _ = made_up_shop()
    result = segment_customers(rfm, rule=RULE, behaviour=features.assign(sessions_365d=0))
    skipped = json.loads(result.evaluation.query("model == 'kmeans_habits'")["detail"].item())["reason"]
    assert skipped.startswith("fewer than two habits are usable (visits_per_30_active_days: known for 0% of customers")


def test_an_unknown_set_of_features_is_refused() -> None:
    with pytest.raises(ValueError, match="name: expected one of rfm, rfm_and_behaviour, habits, got 'moods'"):
        FeatureSpace("moods")
    with pytest.raises(ValueError, match="values: expected the customers' behaviour and habits, got none"):
        FeatureSpace(HABITS_SET).fit(*_shop_and_money())


def _shop_and_money():
    from ml.segments.features import comparable_money

    rfm = made_up_shop()[0]
    return rfm, comparable_money(rfm)

"""Segments by more than RFM: behaviour is used where it finds more, shops of any kind end in words."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from ml.segments.choose_k import StabilityRule
from ml.segments.customer_segments import SegmentationResult, segment_customers

RULE = StabilityRule(k_max=5, n_resamples=20, n_init=5, resample_n_init=3)


def behaviour_of(rfm: pd.DataFrame, habits: np.ndarray, seed: int = 5) -> pd.DataFrame:
    """Rows as features.feat_customers has them: habit 1 comes often and stays long, habit 0 does neither."""
    generator = np.random.default_rng(seed)
    sessions = np.maximum(1, np.round(np.where(habits == 1, 60, 4) * generator.lognormal(0, 0.15, len(rfm))))
    minutes = np.where(habits == 1, 14, 2) * generator.lognormal(0, 0.15, len(rfm))
    return pd.DataFrame(
        {
            "shop_id": rfm["shop_id"],
            "customer_id": rfm["customer_id"],
            "sessions_365d": sessions.astype("int64"),
            "tenure_days": 300,
            "visit_seconds_365d": np.round(sessions * minutes * 60).astype("int64"),
            "categories_wanted_90d": generator.integers(4, 6, len(rfm)) + 20 * habits,
            "discounted_share_of_orders": 0.0,
        }
    )


@pytest.fixture(scope="module")
def kinds() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 2, 450)


def rows(result: SegmentationResult, model: str) -> pd.DataFrame:
    return result.evaluation[result.evaluation["model"] == model].set_index("metric")


def test_groups_that_only_behaviour_shows_are_found_and_named(planted, kinds):
    result = segment_customers(
        planted, rule=StabilityRule(k_max=7, n_resamples=20), behaviour=behaviour_of(planted, kinds)
    )
    truth = planted.assign(kind=planted["value_group"] + kinds.astype(str))
    joined = result.customers.merge(truth, on=["shop_id", "customer_id"])
    assert adjusted_rand_score(joined["kind"], joined["segment_id"]) > 0.98
    wide, simple = rows(result, "kmeans_rfm_and_behaviour"), rows(result, "kmeans_rfm")
    assert (wide.loc["k", "value"], simple.loc["k", "value"]) == (6, 3)
    told = json.loads(wide.loc["k", "detail"])
    assert told["chosen"] is True
    assert told["left_out"] == {"discounted_share": "100% of customers have the same value"}
    assert json.loads(simple.loc["k", "detail"])["chosen"] is False
    assert result.segments["segment_name"].is_unique
    assert result.segments["segment_name"].str.contains("visit|interest").all()
    often = result.segments.set_index("segment_id")["typical_minutes_per_visit"]
    assert (often.gt(10) == result.segments.set_index("segment_id")["typical_visits_per_30_days"].gt(3)).all()


def test_behaviour_that_finds_no_more_is_left_aside(planted):
    same = behaviour_of(planted, (planted["value_group"] == "regular").to_numpy(dtype=int))
    result = segment_customers(planted, rule=RULE, behaviour=same)
    alone = segment_customers(planted, rule=RULE)
    assert result.segments["features"].unique().tolist() == ["recency_days, frequency, monetary_minor"]
    assert result.customers["segment_id"].tolist() == alone.customers["segment_id"].tolist()
    # What the segments are like in behaviour is told all the same.
    assert result.segments["typical_visits_per_30_days"].notna().all()
    assert alone.segments["typical_visits_per_30_days"].isna().all()


def test_a_shop_that_logs_orders_only_falls_back_to_rfm(planted):
    result = segment_customers(planted, rule=RULE)
    skipped = json.loads(rows(result, "kmeans_rfm_and_behaviour").loc["k", "detail"])["reason"]
    assert skipped.startswith("no behaviour is usable (visits_per_30_days: known for 0% of customers")


def test_behaviour_known_of_too_few_together_is_not_tried(planted, kinds):
    patchy = behaviour_of(planted, kinds)
    patchy.loc[patchy.index % 5 == 0, "sessions_365d"] = 0
    patchy["visit_seconds_365d"] = patchy["visit_seconds_365d"].astype("Float64").mask(patchy.index % 5 == 1)
    patchy["discounted_share_of_orders"] = pd.Series([0.0, 0.5, 1.0] * 150).mask(patchy.index % 5 == 2)
    half = planted.assign(monetary_minor=planted["monetary_minor"].astype("Int64").mask(planted.index % 5 == 3))
    result = segment_customers(half, rule=RULE, behaviour=patchy)
    reason = json.loads(rows(result, "kmeans_rfm_and_behaviour").loc["k", "detail"])["reason"]
    assert reason == "40% of customers have all features, needed 50%"


def test_the_order_of_both_tables_changes_nothing(planted, kinds):
    behaviour = behaviour_of(planted, kinds)
    first = segment_customers(planted, rule=RULE, behaviour=behaviour)
    again = segment_customers(
        planted.sample(frac=1, random_state=1), rule=RULE, behaviour=behaviour.sample(frac=1, random_state=2)
    )
    for name in ("customers", "segments", "evaluation"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name), check_exact=True)


def test_a_stranger_is_an_outlier_and_lies_outside_the_picture(planted):
    stranger = planted.iloc[[0]].assign(customer_id="stranger", frequency=900, monetary_minor=900_000_000)
    result = segment_customers(pd.concat([planted, stranger]), rule=RULE)
    found = result.customers.set_index("customer_id")
    assert found.loc["stranger", "is_outlier"]
    assert found["is_outlier"].mean() < 0.05
    assert result.segments["outliers"].sum() == found["is_outlier"].sum()
    assert rows(result, "dbscan").loc["outlier_share", "value"] == pytest.approx(found["is_outlier"].mean())
    distance = np.hypot(found["pca_x"], found["pca_y"])
    assert distance.idxmax() == "stranger"
    view = json.loads(rows(result, "pca").loc["explained_variance", "detail"])
    assert set(view["axis_x"]["loadings"]) == {"recency_days", "frequency", "monetary_minor"}


@pytest.mark.parametrize(
    ("shop", "reason"),
    [
        (lambda rfm: rfm.iloc[:1], "1 customers are fewer than the 50"),
        (lambda rfm: rfm.assign(recency_days=3, frequency=1, monetary_minor=500), "1 distinct combination"),
        (lambda rfm: rfm.assign(recency_days=0, monetary_minor=0, frequency=1), "1 distinct combination"),
    ],
)
def test_shops_without_anything_to_tell_apart_are_one_segment(planted, kinds, shop, reason):
    rfm = shop(planted)
    behaviour = behaviour_of(planted, 0 * kinds).assign(sessions_365d=1, visit_seconds_365d=0, categories_wanted_90d=0)
    result = segment_customers(rfm, rule=RULE, behaviour=behaviour)
    assert result.segments["segment_name"].tolist() == ["All customers"]
    assert result.segments["customers"].tolist() == [len(rfm)]
    assert reason in result.reasons["shop"]
    assert not result.customers["is_outlier"].any()
    assert result.customers[["pca_x", "pca_y"]].notna().all(axis=None)


def test_five_percent_missing_and_names_of_any_script_are_no_trouble(planted, kinds):
    generator = np.random.default_rng(6)
    behaviour = behaviour_of(planted, kinds)
    for column in ("sessions_365d", "visit_seconds_365d", "categories_wanted_90d", "discounted_share_of_orders"):
        behaviour[column] = behaviour[column].astype("Float64").mask(generator.random(450) < 0.05)
    rfm = planted.assign(monetary_minor=planted["monetary_minor"].astype("Int64").mask(generator.random(450) < 0.05))
    for frame in (rfm, behaviour):
        frame["customer_id"] = "客户 ü " + planted["customer_id"]
    result = segment_customers(
        rfm, rule=StabilityRule(k_max=7, n_resamples=20), behaviour=behaviour.sample(frac=0.97, random_state=1)
    )
    assert len(result.segments) == 6
    truth = planted["value_group"] + kinds.astype(str)
    joined = result.customers.assign(kind=truth.to_numpy()[np.argsort(rfm["customer_id"].to_numpy())])
    assert adjusted_rand_score(joined["kind"], joined["segment_id"]) > 0.8
    assert result.customers[["distance_to_center", "pca_x", "pca_y"]].notna().all(axis=None)


def test_behaviour_with_a_customer_twice_is_refused(planted, kinds):
    behaviour = behaviour_of(planted, kinds)
    with pytest.raises(ValueError, match="behaviour: expected one row per customer, got shop/0-00000 more than once"):
        segment_customers(planted, rule=RULE, behaviour=pd.concat([behaviour, behaviour.iloc[[0]]]))
    with pytest.raises(ValueError, match="behaviour: expected columns shop_id, customer_id; missing shop_id"):
        segment_customers(planted, rule=RULE, behaviour=behaviour.drop(columns="shop_id"))


def test_the_same_seed_gives_the_same_figures_twice(planted, kinds):
    behaviour = behaviour_of(planted, kinds)
    first = segment_customers(planted.assign(as_of=dt.date(2026, 1, 1)), rule=RULE, behaviour=behaviour)
    again = segment_customers(planted.assign(as_of=dt.date(2026, 1, 1)), rule=RULE, behaviour=behaviour)
    assert first.evaluation.to_csv() == again.evaluation.to_csv()
    assert first.customers.to_csv() == again.customers.to_csv()

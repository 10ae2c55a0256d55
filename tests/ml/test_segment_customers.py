"""segment_customers: the planted groups found and named, whatever the order of rows, with its evaluation."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from ml.evaluation.results import EVALUATION_COLUMNS
from ml.segments.choose_k import StabilityRule
from ml.segments.customer_segments import CUSTOMER_COLUMNS, SEGMENT_COLUMNS, segment_customers

RULE = StabilityRule(k_max=4, n_resamples=20, n_init=5, resample_n_init=3)


def figure(result, model: str, metric: str, shop: str = "shop") -> pd.Series:
    rows = result.evaluation.query("model == @model and metric == @metric and shop_id == @shop")
    assert len(rows) == 1
    return rows.iloc[0]


def test_planted_groups_are_found_and_named(planted):
    result = segment_customers(planted, rule=RULE)
    joined = result.customers.merge(planted, on=["shop_id", "customer_id"])
    assert len(joined) == 450
    assert adjusted_rand_score(joined["value_group"], joined["segment_id"]) == 1.0
    named = joined.groupby("value_group")["segment_name"].unique().map(list)
    assert named["regular"] == ["Recent, frequent, high spend"]
    assert named["new"][0].endswith("rare, low spend")
    assert named["lapsed"][0].startswith("Lapsed, ")
    assert list(result.customers) == list(CUSTOMER_COLUMNS)
    assert list(result.segments) == list(SEGMENT_COLUMNS)
    assert list(result.evaluation) == list(EVALUATION_COLUMNS)
    best = result.segments.iloc[0]
    assert (best["segment_id"], best["customers"], best["currency"]) == (1, 150, "EUR")
    assert best["center_recency_days"] == pytest.approx(8, rel=0.05)
    assert best["center_frequency"] == pytest.approx(20, rel=0.05)
    assert best["center_monetary_minor"] == pytest.approx(400_000, rel=0.05)


def test_evaluation_stands_beside_its_baselines(planted):
    result = segment_customers(planted, rule=RULE)
    assert figure(result, "kmeans", "k")["value"] == 3
    ari = figure(result, "kmeans", "bootstrap_ari")
    assert (ari["value"], ari["n"], ari["seed"]) == (1.0, 20, 42)
    model = figure(result, "kmeans", "silhouette")
    assert model["ci_low"] < model["value"] < model["ci_high"]
    # The planted groups are the value groups here, so their silhouette is the model's.
    assert figure(result, "baseline_value_groups", "silhouette")["value"] == pytest.approx(model["value"])
    assert figure(result, "baseline_raw_k2", "smallest_share")["value"] == pytest.approx(1 / 3)
    chosen = json.loads(figure(result, "kmeans_k03", "bootstrap_ari")["detail"])
    assert chosen == {"chosen": True, "k": 3, "passes": True}
    assert set(result.evaluation["model_version"]) == {result.model_version}


def test_row_order_and_index_change_nothing(planted):
    first = segment_customers(planted, rule=RULE)
    shuffled = planted.sample(frac=1, random_state=3)
    again = segment_customers(shuffled, rule=RULE)
    for name in ("customers", "segments", "evaluation"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name), check_exact=True)
    assert again.model_version == first.model_version


def test_the_input_is_left_as_it_was(planted):
    before = planted.copy(deep=True)
    segment_customers(planted, rule=RULE)
    pd.testing.assert_frame_equal(planted, before)


def test_the_version_follows_data_date_and_parameters(planted):
    version = segment_customers(planted, rule=RULE).model_version
    later = planted.assign(as_of=dt.date(2024, 3, 2))
    other_rule = StabilityRule(k_max=3, n_resamples=20, n_init=5, resample_n_init=3)
    dearer = planted.assign(monetary_minor=planted["monetary_minor"] * 2)
    assert (
        len(
            {
                version,
                segment_customers(later, rule=RULE).model_version,
                segment_customers(planted, rule=other_rule).model_version,
                segment_customers(dearer, rule=RULE).model_version,
            }
        )
        == 4
    )


def test_shops_do_not_touch_each_other(planted, make_planted):
    other = make_planted((60, 90, 120), "another", seed=9).assign(currency="JPY")
    both = segment_customers(pd.concat([planted, other]), rule=RULE)
    alone = segment_customers(planted, rule=RULE)
    mine = both.customers[both.customers["shop_id"] == "shop"].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine, alone.customers)
    assert both.model_versions["shop"] == alone.model_version
    assert both.model_version not in both.model_versions.values()
    assert set(both.segments.query("shop_id == 'another'")["currency"]) == {"JPY"}


def test_a_shop_without_prices_is_segmented_on_recency_and_frequency(planted):
    blind = planted.assign(monetary_minor=pd.array([None] * len(planted), dtype="Int64"), currency=None)
    result = segment_customers(blind, rule=RULE)
    assert len(result.segments) == 3
    assert result.segments["center_monetary_minor"].isna().all()
    assert not result.segments["segment_name"].str.contains("spend").any()
    assert json.loads(figure(result, "kmeans", "k")["detail"])["features"] == ["recency_days", "frequency"]


def test_a_customer_without_prices_still_has_a_segment(planted):
    money = planted["monetary_minor"].astype("Int64")
    money.iloc[0] = None
    result = segment_customers(planted.assign(monetary_minor=money), rule=RULE)
    segment_of = result.customers.set_index("customer_id")["segment_id"]
    assert segment_of["0-00000"] == segment_of["0-00001"]
    assert result.customers["distance_to_center"].notna().all()


def test_a_tiny_shop_is_one_segment(planted):
    result = segment_customers(planted.iloc[:7], rule=RULE)
    assert set(result.customers["segment_name"]) == {"All customers"}
    assert set(result.customers["segment_name_zh"]) == {"全部客户"}
    assert "fewer than the 50" in result.reasons["shop"]
    assert np.isnan(figure(result, "kmeans", "silhouette")["value"])
    assert figure(result, "kmeans", "k")["value"] == 1


def test_no_customers_give_empty_tables(planted):
    result = segment_customers(planted.iloc[:0])
    assert (len(result.customers), len(result.segments), len(result.evaluation)) == (0, 0, 0)
    assert list(result.customers) == list(CUSTOMER_COLUMNS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda rfm: rfm.drop(columns="currency"), "missing currency"),
        (lambda rfm: pd.concat([rfm, rfm.iloc[[5]]]), "shop/0-00005 more than once"),
        (lambda rfm: rfm.assign(frequency=rfm["frequency"].astype("Int64").mask(rfm.index == 2)), "frequency"),
        (lambda rfm: rfm.assign(recency_days=-1), "recency_days: expected 0 or more"),
        (lambda rfm: rfm.assign(as_of=[dt.date(2024, 1, 1 + i % 2) for i in range(len(rfm))]), "one date per shop"),
    ],
)
def test_broken_input_is_refused_in_words(planted, damage, message):
    with pytest.raises(ValueError, match=message):
        segment_customers(damage(planted), rule=RULE)

"""Behaviour is read for the mart's own day, from a warehouse's tables to segments and back."""

from __future__ import annotations

import datetime as dt

import duckdb
import pandas as pd

from ml.segments.choose_k import StabilityRule
from ml.segments.customer_segments import segment_customers
from ml.segments.inputs import read_inputs

RULE = StabilityRule(k_max=4, n_resamples=20, n_init=3, resample_n_init=2)


def test_behaviour_is_of_the_day_after_the_marts(planted):
    day = planted["as_of"].iloc[0]
    known = (
        planted[["shop_id", "customer_id"]]
        .iloc[:440]
        .assign(tenure_days=400, visit_seconds_365d=600, categories_wanted_90d=2, discounted_share_of_orders=0.5)
        .assign(days_since_active=20, orders_placed_365d=2, mean_order_value_minor=1500.0)
    )
    grid = pd.concat(
        [
            known.assign(as_of=day + dt.timedelta(days=1), sessions_365d=7),
            known.assign(as_of=day, sessions_365d=99),
            known.iloc[:1].assign(as_of=day + dt.timedelta(days=1), sessions_365d=3, customer_id="browses only"),
        ]
    )
    with duckdb.connect() as connection:
        connection.register("_rfm", planted)
        connection.register("_grid", grid)
        connection.execute("CREATE SCHEMA marts; CREATE SCHEMA features")
        connection.execute("CREATE TABLE marts.customer_rfm AS SELECT * REPLACE (as_of::DATE AS as_of) FROM _rfm")
        connection.execute("CREATE TABLE features.feat_customers AS SELECT * REPLACE (as_of::DATE AS as_of) FROM _grid")
        rfm, behaviour = read_inputs(connection)
    assert len(rfm) == 450
    assert len(behaviour) == 440
    assert set(behaviour["sessions_365d"]) == {7}
    result = segment_customers(rfm, rule=RULE, behaviour=behaviour)
    assert len(result.customers) == 450
    typical = result.segments["typical_visits_per_30_days"]
    assert typical.round(2).tolist() == [round(7 * 30 / 365, 2)] * 3

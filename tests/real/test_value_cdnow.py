"""The published figures of BG/NBD, Pareto/NBD and Gamma-Gamma, on the CDNOW sample they were published on."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.value.bgnbd import BGNBD
from ml.value.gamma_gamma import GammaGamma
from ml.value.pareto_nbd import ParetoNBD
from ml.value.summary import summarise
from ml.value.tracking import track_cohorts
from tests.real.public_data import public_file

pytestmark = pytest.mark.real

# 39 weeks from 1997-01-01 to learn from, and as many to look at
CUT, END = dt.date(1997, 10, 1), dt.date(1998, 7, 1)
WEEKS = 39

SAMPLE = r"""
    WITH parts AS (
        SELECT string_split_regex(trim(line), '\s+') AS part
        FROM read_csv('{file}', columns = {{'line': 'VARCHAR'}}, delim = '\0', header = false)
    )
    SELECT 'cdnow' AS shop_id, part[2] AS customer_id, CAST(strptime(part[3], '%Y%m%d') AS DATE) AS order_date,
           CAST(part[5] AS DECIMAL(12, 2)) AS amount
    FROM parts
"""


@pytest.fixture(scope="module")
def orders():
    file = public_file("cdnow/CDNOW_sample.txt")
    with duckdb.connect() as connection:
        yield connection.sql(SAMPLE.format(file=file)).materialize()


@pytest.fixture(scope="module")
def learned(orders) -> pd.DataFrame:
    summary = summarise(orders, CUT)
    return summary.assign(weeks=summary["recency"] / 7, age=summary["T"] / 7)


@pytest.fixture(scope="module")
def bought_later(orders, learned) -> pd.Series:
    """Purchases in the second 39 weeks: what a later summary counts more."""
    later = summarise(orders, END).set_index("customer_id")["frequency"]
    return later.loc[learned["customer_id"]].to_numpy() - learned["frequency"].to_numpy()


@pytest.fixture(scope="module", params=[BGNBD, ParetoNBD], ids=["bgnbd", "pareto_nbd"])
def model(request, learned):
    return request.param().fit(learned["frequency"], learned["weeks"], learned["age"])


def test_the_summary_is_the_published_one(learned):
    published = pd.read_csv(public_file("cdnow/cdnow_customers_summary.csv"))
    np.testing.assert_array_equal(learned["frequency"], published["frequency"])
    np.testing.assert_allclose(learned["weeks"], published["recency"], atol=0.006)
    np.testing.assert_allclose(learned["age"], published["T"], atol=0.006)


def test_parameters_are_the_published_ones(model):
    if isinstance(model, BGNBD):
        assert (model.r_, model.alpha_, model.a_, model.b_) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=5e-4)
        assert model.log_likelihood_ == pytest.approx(-9582.4, abs=0.05)
    else:
        assert (model.r_, model.alpha_, model.s_, model.beta_) == pytest.approx(
            (0.553, 10.578, 0.606, 11.669), abs=5e-4
        )


def test_held_out_purchases_are_foreseen(model, learned, bought_later):
    expected = model.expected_purchases(WEEKS, learned["frequency"], learned["weeks"], learned["age"])
    assert round(float(np.corrcoef(expected, bought_later)[0, 1]), 3) >= 0.626
    # 71 % bought nothing; both models say a little more
    silent = model.probability_no_purchase(WEEKS, learned["frequency"], learned["weeks"], learned["age"])
    assert silent.mean() == pytest.approx((bought_later == 0).mean(), abs=0.08)


def test_published_customer_of_the_bgnbd_paper(learned):
    # worked example of Fader and Hardie, "Implementing the BG/NBD model for customer base analysis in Excel" (2005)
    model = BGNBD().fit(learned["frequency"], learned["weeks"], learned["age"])
    assert model.expected_purchases(WEEKS, 2, 30.43, 38.86)[0] == pytest.approx(1.226, abs=5e-4)


def test_week_78_is_within_five_percent(learned, orders):
    models = {
        "bgnbd": BGNBD().fit(learned["frequency"], learned["recency"], learned["T"]),
        "pareto_nbd": ParetoNBD().fit(learned["frequency"], learned["recency"], learned["T"]),
    }
    tracked = track_cohorts(orders, models, CUT, END)
    week_78 = tracked[tracked["week_end"] == dt.date(1998, 6, 30)].groupby("model").sum(numeric_only=True)
    assert (week_78["customers"] == 2357).all()
    assert (week_78["actual_repeats"] == 4339).all()
    off = week_78["expected_repeats"] / week_78["actual_repeats"] - 1
    assert off.abs().max() <= 0.05
    assert off["bgnbd"] == pytest.approx(-0.041, abs=0.002)
    week_39 = tracked[tracked["week_end"] == dt.date(1997, 9, 30)].groupby("model").sum(numeric_only=True)
    assert (week_39["actual_repeats"] == learned["frequency"].sum()).all()
    assert not tracked.loc[tracked["week_end"] <= dt.date(1997, 9, 30), "is_held_out"].any()
    assert sorted(set(tracked["cohort"])) == [dt.date(1997, month, 1) for month in (1, 2, 3)]


def test_gamma_gamma_is_the_published_one(learned):
    repeaters = learned[learned["repeats_of_known_amount"] > 0]
    assert len(repeaters) == 946
    model = GammaGamma().fit(repeaters["repeats_of_known_amount"], repeaters["mean_repeat_amount"])
    assert (model.p_, model.q_, model.v_) == pytest.approx((6.25, 3.74, 15.44), abs=5e-3)

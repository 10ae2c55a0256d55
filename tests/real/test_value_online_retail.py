"""What UCI Online Retail's customers spend in its last 90 days, foreseen from the days before."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest

from ml.evaluation.regression import mean_difference, tweedie_loss
from ml.value.cuts import VALUE
from tests.ml.value.valued import Valued, value_shop
from tests.properties.warehouse import Warehouse

pytestmark = pytest.mark.real

END = dt.date(2011, 12, 10)
CUT = END - dt.timedelta(days=90)


@pytest.fixture(scope="module")
def result(online_retail: Warehouse) -> Valued:
    with online_retail._open() as connection:
        valued = value_shop(connection, "retail", 90)
    assert (valued.history.as_of, valued.history.cuts[0].as_of) == (END, CUT)
    return valued


def figure(result: Valued, metric: str, model: str):
    rows = result.evaluation.query("metric == @metric and model == @model")
    return rows[rows["as_of"] == CUT].iloc[0]


def test_the_chosen_model_beats_both_baselines_beyond_the_interval(result):
    chosen, trials = result.model.champions_[VALUE], result.model.trials_[VALUE]
    ours = figure(result, "spend_tweedie_deviance", chosen)
    assert json.loads(ours["detail"])["chosen"] is True
    assert ours["n"] == 3412
    assert chosen == "blend_bgnbd_ridge"
    mean, own = (figure(result, "spend_tweedie_deviance", name) for name in ("baseline_mean", "baseline_own_rate"))
    assert ours["value"] < own["value"] < mean["value"]
    assert ours["ci_high"] < mean["ci_low"]
    # against own pace, customer by customer and over both cuts: at Christmas alone, a few giants keep it open
    ours_lost, own_lost = (
        np.concatenate([tweedie_loss(trial.actual, trial.predictions[name]) for trial in trials])
        for name in (chosen, "baseline_own_rate")
    )
    assert mean_difference(ours_lost, own_lost).high < 0
    assert figure(result, "spend_mae", chosen)["value"] < figure(result, "spend_mae", "baseline_own_rate")["value"]
    assert figure(result, "spend_spearman", chosen)["value"] > 0.5


def test_what_christmas_did_is_on_the_record(result):
    # the last quarter sold 70 % more than the one before: nobody foresaw it, and the figures say so
    chosen = result.model.champions_[VALUE]
    bias = figure(result, "spend_bias_ratio", chosen)
    assert 0.6 < bias["value"] < 0.9
    coverage = figure(result, "spend_interval_coverage", chosen)
    assert coverage["value"] > 0.75
    assert json.loads(coverage["detail"])["level"] == 0.9


def test_everyone_known_is_scored(result):
    scores = result.customers
    assert len(scores) == 4372
    assert scores["expected_value_minor"].between(1, 20_000_000).all()
    assert scores["value_low_minor"].le(scores["expected_value_minor"]).all()
    assert scores["value_high_minor"].ge(scores["expected_value_minor"]).all()
    assert set(scores["currency"]) == {"GBP"}
    last = result.tracking[result.tracking["week_end"] == result.tracking["week_end"].max()]
    assert last["actual_repeats"].groupby(last["model"]).sum().nunique() == 1

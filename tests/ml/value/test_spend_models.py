"""Regressions and naive guesses: what they find in a planted cut, and what they refuse."""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.regression import mean_difference, tweedie_loss
from ml.value.compare import CANDIDATES, Trial, choose, try_candidates
from ml.value.cuts import ORDERS, VALUE, Cut
from ml.value.lifetime import BuyTillYouDie, worth_unknown
from ml.value.naive import MeanOfAll, OwnRate
from ml.value.spend import Boosted, RidgeTweedie, TwoPart, feature_matrix, feature_names

H = 90
REGRESSIONS = (RidgeTweedie, Boosted, TwoPart)


def planted_cut(n=1200, seed=0, month=1, level=1.0) -> Cut:
    """Spend follows ``visits`` (which past orders know nothing of) and past orders; ``noise`` says nothing."""
    generator = np.random.default_rng(seed)
    visits = generator.poisson(3, n)
    order_days = generator.integers(1, 6, n)
    first = generator.integers(30, 300, n)
    last = np.where(order_days > 1, generator.integers(1, 30, n), first)
    worth = generator.gamma(4, 500, n).round() + 1
    mean = level * worth * order_days * visits**1.5 / 12
    bought = generator.random(n) < 0.6
    return Cut(
        dt.date(2024, month, 1),
        H,
        pd.DataFrame(
            {
                "shop_id": "shop",
                "customer_id": [f"{seed}-{i}" for i in range(n)],
                "as_of": dt.date(2024, month, 1),
                "visits": visits,
                "noise": generator.normal(size=n),
                "always": 3,
                "sometimes": np.where(generator.random(n) < 0.3, np.nan, visits * 2.0),
                "never_known": np.full(n, np.nan),
                "order_days": order_days,
                "orders_placed": order_days,
                "days_since_first_order": first,
                "days_since_last_order": last,
                "mean_order_value_minor": worth,
                "gross_minor": worth * order_days,
                "net_revenue_minor": worth * order_days,
                ORDERS: np.where(bought, 1.0, 0.0),
                VALUE: np.where(bought, generator.gamma(2, mean / 2 / 0.6 + 1e-9), 0.0).round(),
            }
        ),
    )


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture(scope="module")
def learned() -> Cut:
    return planted_cut(seed=1)


@pytest.fixture(scope="module")
def now() -> Cut:
    return planted_cut(seed=2, month=4)


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_a_regression_finds_what_past_spend_does_not_show(kind, learned, now):
    predicted = kind().fit(VALUE, [learned], now).predict(now.features)
    naive = OwnRate().fit(VALUE, [learned], now).predict(now.features)
    actual = now.outcome(VALUE)
    assert predicted.sum() == pytest.approx(actual.sum(), rel=0.12)
    assert mean_difference(tweedie_loss(actual, predicted), tweedie_loss(actual, naive)).high < 0
    busy = now.features["visits"].to_numpy() >= 5
    assert predicted[busy].mean() == pytest.approx(actual[busy].mean(), rel=0.25)
    assert predicted.min() >= 0
    assert predicted.max() <= learned.outcome(VALUE).max()


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_the_same_seed_gives_the_same_predictions(kind, learned, now):
    first, second = (kind().fit(VALUE, [learned], now).predict(now.features) for _ in range(2))
    np.testing.assert_allclose(first, second, rtol=1e-9)


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_a_customer_far_outside_is_held_to_what_was_seen(kind, learned, now):
    model = kind().fit(VALUE, [learned], now)
    giant = now.features.iloc[:1].assign(visits=10**9, gross_minor=10**12, net_revenue_minor=-(10**12))
    assert 0 <= model.predict(giant)[0] <= learned.outcome(VALUE).max()
    assert model.predict(now.features.iloc[:0]).shape == (0,)


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_everyone_buys_and_constant_spend(kind, now):
    cut = planted_cut(seed=3)
    same = Cut(cut.as_of, H, cut.features.assign(**{VALUE: 700.0}))
    np.testing.assert_allclose(kind().fit(VALUE, [same], now).predict(now.features), 700.0, rtol=1e-3)


def test_features_are_numbers_known_at_the_cut(learned):
    names = feature_names(learned.features)
    assert not {ORDERS, VALUE, "as_of", "shop_id", "customer_id"} & set(names)
    assert {"visits", "sometimes", "never_known"} <= set(names)
    matrix = feature_matrix(learned.features.astype({"visits": "Int64"}), names)
    assert matrix.shape == (len(learned.features), len(names))


def test_naive_guesses_are_what_they_say(learned, now):
    rows = now.features.iloc[:4].assign(
        order_days=[3, 1, 0, 2],
        days_since_first_order=pd.array([180, 1, None, 45], dtype="Int64"),
        net_revenue_minor=pd.array([6000, 900, None, None], dtype="Int64"),
    )
    browsing = learned.features.assign(order_days=np.where(np.arange(len(learned.features)) < 100, 0, 2))
    cut = Cut(learned.as_of, H, browsing)
    first = float(cut.outcome(VALUE)[:100].mean())
    # half of 180 days' spend; a first order of yesterday as if H days old; never bought; bought, worth unknown
    np.testing.assert_allclose(OwnRate().fit(VALUE, [cut], now).predict(rows), [3000, 900, first, np.nan])
    np.testing.assert_allclose(
        OwnRate().fit(ORDERS, [cut], now).predict(rows), [1.5, 1, float(cut.outcome(ORDERS)[:100].mean()), 2]
    )
    assert MeanOfAll().fit(VALUE, [cut], now).predict(rows).tolist() == [cut.outcome(VALUE).mean()] * 4


def test_lifetime_value_is_orders_times_amount_times_what_is_kept(now, learned):
    features = now.features.assign(net_revenue_minor=now.features["gross_minor"] * 0.8)
    cut = Cut(now.as_of, H, features)
    orders = BuyTillYouDie("bgnbd").fit(ORDERS, [learned], cut)
    value = BuyTillYouDie("bgnbd").fit(VALUE, [learned], cut)
    assert value.kept_ == pytest.approx(0.8)
    ratio = value.predict(features) / orders.predict(features)
    assert ratio.mean() == pytest.approx(0.8 * features["mean_order_value_minor"].mean(), rel=0.05)
    silent = features.iloc[:2].assign(mean_order_value_minor=np.nan, gross_minor=np.nan)
    assert np.isnan(value.predict(silent)).all()
    assert worth_unknown(silent).all()
    assert not worth_unknown(silent.assign(order_days=0)).any()
    assert (orders.predict(silent) > 0).all()


@pytest.mark.parametrize("make", CANDIDATES)
def test_no_candidate_learns_from_nothing(make, learned, now):
    nobody = Cut(learned.as_of, H, learned.features.assign(**{VALUE: 0.0, ORDERS: 0.0}))
    with pytest.raises(NotEnoughData, match="10 customers who bought within the days looked ahead, found 0"):
        make(42).fit(ORDERS, [nobody], now)
    hidden = learned.features.assign(**{VALUE: learned.features[VALUE].mask(learned.features[VALUE] > 500)})
    with pytest.raises(NotEnoughData, match="known worth of what 90% of the buyers bought"):
        make(42).fit(VALUE, [Cut(learned.as_of, H, hidden)], now)


def test_a_tie_goes_to_the_simpler_and_a_clear_win_to_the_better(learned, now):
    actual = now.outcome(VALUE)
    generator = np.random.default_rng(0)
    close = actual.mean() * np.ones(len(actual))
    predictions = {
        "simple": close,
        "no better": close * generator.uniform(0.99, 1.01, len(actual)),
        "better": 0.5 * close + 0.5 * actual,
        "as good": 0.5 * close + 0.5 * actual + generator.normal(0, 1, len(actual)),
    }
    models = dict.fromkeys(predictions, MeanOfAll())
    trial = Trial(VALUE, now, (learned,), actual, models, predictions, {})
    verdict = choose([trial], 42)
    assert verdict.winner == "better"
    assert set(verdict.as_good) == {"better", "as good"}
    assert verdict.gains["simple"].low > 0
    # what serves stays until something is better, or as good and simpler
    assert choose([trial], 42, "better").winner == "better"
    assert choose([trial], 42, "as good").reason == "better is as good as as good and simpler"
    assert choose([trial], 42, "no better").winner == "better"


def test_a_baseline_ships_where_nothing_beats_it(now):
    # what comes has nothing to do with what is known
    noise = []
    for month, cut in ((1, planted_cut(seed=4)), (4, planted_cut(seed=5)), (7, planted_cut(seed=6))):
        spend = np.random.default_rng(month).permutation(cut.outcome(VALUE))
        noise.append(Cut(dt.date(2024, month, 1), H, cut.features.assign(**{VALUE: spend})))
    trials = try_candidates(VALUE, noise[::-1], 42)
    assert [trial.cut.as_of.month for trial in trials] == [7, 4]
    assert choose(trials, 42).winner == "baseline_mean"

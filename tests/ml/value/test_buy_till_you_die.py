"""BG/NBD and Pareto/NBD against their published formulas, against simulation, and on hostile histories."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import check_grad
from scipy.special import betainc, betaln, gammaln, hyp2f1

from ml.evaluation.enough import NotEnoughData
from ml.value import bgnbd, pareto_nbd
from ml.value.bgnbd import BGNBD
from ml.value.histories import distinct_histories
from ml.value.pareto_nbd import ParetoNBD

MODELS = (BGNBD, ParetoNBD)
TRUTH = {
    BGNBD: {"r_": 0.7, "alpha_": 6.0, "a_": 0.8, "b_": 2.5},
    ParetoNBD: {"r_": 0.7, "alpha_": 6.0, "s_": 0.6, "beta_": 12.0},
}


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def with_parameters(kind, **parameters):
    model = kind()
    vars(model).update(TRUTH[kind] | parameters)
    return model


def simulated(kind, n=3000, horizon=26.0, seed=5):
    """Histories of customers who behave as TRUTH says, and their purchases in ``horizon`` afterwards."""
    generator = np.random.default_rng(seed)
    truth = TRUTH[kind]
    rate = generator.gamma(truth["r_"], 1 / truth["alpha_"], n)
    age = generator.uniform(20, 40, n)
    if kind is BGNBD:
        leaving = generator.beta(truth["a_"], truth["b_"], n)
        lives = generator.geometric(np.maximum(leaving, 1e-9), n).astype(float)
    else:
        lives = generator.exponential(1 / np.maximum(generator.gamma(truth["s_"], 1 / truth["beta_"], n), 1e-12))
    x, t_x, later = np.zeros(n), np.zeros(n), np.zeros(n)
    for i in range(n):
        times = np.cumsum(generator.exponential(1 / max(rate[i], 1e-9), 400))
        times = times[: int(min(lives[i], 400))] if kind is BGNBD else times[times <= lives[i]]
        seen = times[times <= age[i]]
        x[i], t_x[i] = len(seen), seen[-1] if len(seen) else 0.0
        later[i] = ((times > age[i]) & (times <= age[i] + horizon)).sum()
    return x, t_x, age, later


@pytest.mark.parametrize("kind", MODELS)
def test_planted_parameters_and_the_future_are_found(kind):
    x, t_x, age, later = simulated(kind)
    model = kind().fit(x, t_x, age)
    assert model.r_ == pytest.approx(0.7, rel=0.15)
    assert model.r_ / model.alpha_ == pytest.approx(0.7 / 6, rel=0.1)
    truth = with_parameters(kind)
    assert model.probability_alive(x, t_x, age).mean() == pytest.approx(
        truth.probability_alive(x, t_x, age).mean(), abs=0.04
    )
    expected = model.expected_purchases(26, x, t_x, age)
    assert expected.sum() == pytest.approx(later.sum(), rel=0.07)
    silent = model.probability_no_purchase(26, x, t_x, age)
    assert silent.mean() == pytest.approx((later == 0).mean(), abs=0.02)
    # calibrated customer by customer too, not in sum only
    likely = silent > 0.5
    assert silent[likely].mean() == pytest.approx((later[likely] == 0).mean(), abs=0.03)
    assert silent[~likely].mean() == pytest.approx((later[~likely] == 0).mean(), abs=0.05)


@pytest.mark.parametrize("kind", MODELS)
def test_the_time_unit_changes_nothing(kind):
    x, t_x, age, _ = simulated(kind, n=600)
    weeks = kind().fit(x, t_x, age)
    days = kind().fit(x, t_x * 7, age * 7)
    assert days.alpha_ == pytest.approx(weeks.alpha_ * 7, rel=1e-6)
    assert days.log_likelihood_ == pytest.approx(weeks.log_likelihood_ - x.sum() * np.log(7), rel=1e-9)
    np.testing.assert_allclose(
        days.expected_purchases(70, x, t_x * 7, age * 7), weeks.expected_purchases(10, x, t_x, age), rtol=1e-5
    )


@pytest.mark.parametrize(("kind", "module"), [(BGNBD, bgnbd), (ParetoNBD, pareto_nbd)])
@pytest.mark.parametrize("point", [(0.3, 4.0, 0.8, 2.4), (1.0, 1.0, 1.0, 1.0), (3.0, 0.2, 5.0, 0.1)])
def test_gradients_are_those_of_the_likelihood(kind, module, point):
    x, t_x, age, _ = simulated(kind, n=40)
    histories = distinct_histories([*x, 0], [*t_x, 0], [*age, 0])
    off = check_grad(
        lambda at: module._log_likelihood(at, histories)[0],
        lambda at: module._log_likelihood(at, histories)[1],
        np.array(point),
    )
    assert off < 1e-4 * np.abs(module._log_likelihood(np.array(point), histories)[1]).max()


@pytest.mark.parametrize("a", [0.3, 0.793, 1.0 + 1e-9, 2.5])
@pytest.mark.parametrize("x", [1, 4, 25])
def test_bgnbd_expects_what_the_published_formula_does(a, x):
    model = with_parameters(BGNBD, a_=a)
    r, alpha, b = model.r_, model.alpha_, model.b_
    t_x, T, t = 20.0, 30.0, 39.0
    shrink = ((alpha + T) / (alpha + T + t)) ** (r + x)
    gauss = hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + T + t))
    odds = a / (b + x - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x)
    published = (a + b + x - 1) / (a - 1) * (1 - shrink * gauss) / (1 + odds)
    # near a = 1 the published form is 0 / 0 and has few digits left
    tolerance = 1e-5 if abs(a - 1) < 1e-6 else 1e-9
    assert model.expected_purchases(t, x, t_x, T)[0] == pytest.approx(published, rel=tolerance)


def test_bgnbd_expectation_holds_at_the_edges():
    # E[Y | alive] as the sum over j of P(still alive at the j-th) P(at least j occasions), all terms positive
    for a, b, r, alpha, x, T, t in [
        (0.01, 0.02, 0.5, 1.0, 0, 0.0, 20.0),
        (1e4, 1e5, 2.0, 3.0, 3, 10.0, 30.0),
        (0.5, 300.0, 0.2, 5.0, 4000, 365.0, 90.0),
        (50.0, 0.01, 3.0, 0.5, 0, 1.0, 40.0),
    ]:
        model = with_parameters(BGNBD, a_=a, b_=b, r_=r, alpha_=alpha)
        j = np.arange(1, 200_000)
        stays = np.exp(betaln(a, b + x + j - 1) - betaln(a, b + x))
        occasions = betainc(j, r + x, t / (alpha + T + t))
        assert model._purchases_if_alive(t, np.array([float(x)]), np.array([T]))[0] == pytest.approx(
            float((stays * occasions).sum()), rel=1e-8
        )


@pytest.mark.parametrize(("alpha", "beta"), [(10.578, 11.669), (14.0, 3.0)])
@pytest.mark.parametrize(("x", "t_x", "T"), [(0, 0.0, 38.0), (3, 12.0, 38.0), (20, 30.0, 31.0)])
def test_pareto_likelihood_is_the_published_one(alpha, beta, x, t_x, T):
    r, s = 0.553, 0.606
    big, small = max(alpha, beta), min(alpha, beta)
    second = s + 1 if alpha >= beta else r + x

    def gauss(at):
        return hyp2f1(r + s + x, second, r + s + x + 1, (big - small) / (big + at)) / (big + at) ** (r + s + x)

    published = (
        gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        + np.log((alpha + T) ** -(r + x) * (beta + T) ** -s + s / (r + s + x) * (gauss(t_x) - gauss(T)))
    )  # fmt: skip
    got, _ = pareto_nbd._log_likelihood(np.array([r, alpha, s, beta]), distinct_histories(x, t_x, T))
    assert got == pytest.approx(published, rel=1e-10)


@pytest.mark.parametrize("s", [0.6, 1.0, 2.2])
def test_pareto_expectations_are_their_integrals(s):
    model = with_parameters(ParetoNBD, s_=s)
    r, alpha, beta = model.r_, model.alpha_, model.beta_
    whole, _ = quad(lambda u: r / alpha * (beta / (beta + u)) ** s, 0, 50)
    assert model.expected_total(50.0)[0] == pytest.approx(whole, rel=1e-9)
    x, t_x, T, t = 4.0, 15.0, 30.0, 26.0
    rest, _ = quad(lambda u: (r + x) / (alpha + T) * ((beta + T) / (beta + T + u)) ** s, 0, t)
    alive = model.probability_alive(x, t_x, T)[0]
    assert model.expected_purchases(t, x, t_x, T)[0] == pytest.approx(alive * rest, rel=1e-9)


@pytest.mark.parametrize("kind", MODELS)
def test_no_purchase_is_the_likelihood_of_waiting_on(kind):
    module = bgnbd if kind is BGNBD else pareto_nbd
    model = with_parameters(kind)
    parameters = np.array(list(TRUTH[kind].values()))
    for x, t_x, T in [(0, 0.0, 10.0), (2, 5.0, 30.0), (9, 29.0, 30.0)]:
        longer, _ = module._log_likelihood(parameters, distinct_histories(x, t_x, T + 13))
        now, _ = module._log_likelihood(parameters, distinct_histories(x, t_x, T))
        assert model.probability_no_purchase(13, x, t_x, T)[0] == pytest.approx(np.exp(longer - now), rel=1e-9)


@pytest.mark.parametrize("kind", MODELS)
def test_hostile_histories_are_scored_within_bounds(kind):
    generator = np.random.default_rng(0)
    x = np.concatenate([np.zeros(40), generator.integers(1, 6, 40), [5000.0, 12_000.0, 1.0]])
    age = np.concatenate([np.zeros(20), generator.uniform(1, 900, 60), [400.0, 900.0, 900.0]])
    t_x = np.where(x > 0, age * generator.uniform(0.1, 1, len(x)), 0.0)
    model = kind().fit(x, t_x, age)
    for t in (1e-6, 30.0, 1e5):
        expected = model.expected_purchases(t, x, t_x, age)
        silent = model.probability_no_purchase(t, x, t_x, age)
        assert np.isfinite(expected).all()
        assert (expected >= 0).all()
        assert ((silent >= 0) & (silent <= 1)).all()
        # P(at least one) is never more than the number expected
        assert (1 - silent <= expected * (1 + 1e-6) + 1e-9).all()
    assert np.isfinite(model.log_likelihood_)
    alive = model.probability_alive(x, t_x, age)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (np.diff(model.expected_total(np.linspace(0, 2000, 9))) > 0).all()
    assert model.expected_total(0.0)[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", MODELS)
def test_regular_clockwork_buyers_do_not_break_the_search(kind):
    # everyone the same: no difference between customers to learn, nobody leaves
    model = kind().fit(np.full(80, 6.0), np.full(80, 30.0), np.full(80, 31.0))
    assert model.expected_purchases(31, 6, 30, 31)[0] == pytest.approx(6, rel=0.1)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(
    ("x", "t_x", "T", "needed"),
    [
        ([], [], [], "50 customers"),
        ([3], [5.0], [9.0], "50 customers"),
        ([0] * 300, [0.0] * 300, [30.0] * 300, "10 customers who bought again"),
        ([2] * 60, [0.0] * 60, [0.0] * 60, "time after the first purchase"),
    ],
)
def test_too_little_to_learn_from_is_said(kind, x, t_x, T, needed):
    with pytest.raises(NotEnoughData, match=r"Not enough data: .*/NBD") as raised:
        kind().fit(x, t_x, T)
    assert raised.value.needed == needed
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.found) == (str(raised.value), raised.value.found)


@pytest.mark.parametrize(
    ("x", "t_x", "T", "message"),
    [
        ([1.5], [1.0], [2.0], "whole numbers"),
        ([1], [3.0], [2.0], "0 <= recency <= T"),
        ([0], [1.0], [2.0], "recency: expected 0 where"),
        ([1], [np.nan], [2.0], "finite"),
    ],
)
def test_broken_histories_are_refused(x, t_x, T, message):
    with pytest.raises(ValueError, match=message):
        BGNBD().fit(x, t_x, T)

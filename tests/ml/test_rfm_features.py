"""Features: logarithms on one scale in any currency unit; unknown money stays unknown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.segments.features import FEATURES, RfmFeatures, comparable_money


def rfm(money, currency="EUR", recency=None, frequency=None) -> pd.DataFrame:
    n = len(money)
    return pd.DataFrame(
        {
            "recency_days": recency or list(range(1, n + 1)),
            "frequency": frequency or [1 + i % 3 for i in range(n)],
            "monetary_minor": pd.array(money, dtype="Int64"),
            "currency": currency,
        }
    )


def transformed(frame: pd.DataFrame) -> tuple[RfmFeatures, np.ndarray]:
    money = comparable_money(frame)
    features = RfmFeatures().fit(frame, money)
    return features, features.transform(frame, money)


def test_columns_are_standardised_logarithms():
    frame = rfm([100, 200, 400, 800])
    features, X = transformed(frame)
    assert features.columns_ == FEATURES
    logs = np.log1p(frame["recency_days"].to_numpy(float))
    assert X[:, 0] == pytest.approx((logs - logs.mean()) / logs.std())
    # The scale is the 5th percentile of positive nets: 100 + 0.15 * 100.
    assert features.scale_ == pytest.approx(115)
    spent = np.log1p(np.array([100, 200, 400, 800]) / 115)
    assert X[:, 2] == pytest.approx((spent - spent.mean()) / spent.std())


def test_the_unit_of_money_does_not_matter():
    _, cents = transformed(rfm([1200, 5300, 99900, 700, 40]))
    _, units = transformed(rfm([120000, 530000, 9990000, 70000, 4000]))
    assert cents == pytest.approx(units)


def test_a_net_of_zero_or_less_counts_as_zero():
    _, X = transformed(rfm([-5000, 0, 300, 900]))
    assert X[0, 2] == X[1, 2] < X[2, 2]


def test_no_money_known_leaves_recency_and_frequency():
    features, X = transformed(rfm([None] * 4, None))
    assert features.columns_ == ("recency_days", "frequency")
    assert X.shape == (4, 2)


@pytest.mark.parametrize(("money", "used"), [([None, None, 10, 20], True), ([None, None, None, 20], False)])
def test_money_is_used_where_half_the_customers_have_it(money, used):
    features, X = transformed(rfm(money))
    assert ("monetary_minor" in features.columns_) is used
    assert np.isnan(X).sum() == (2 if used else 0)


def test_money_that_is_never_positive_is_left_out():
    features, _ = transformed(rfm([0, 0, -5, 0]))
    assert "monetary_minor" not in features.columns_


def test_other_currencies_are_unknown_money():
    money = comparable_money(rfm([100, 200, 300], ["EUR", "USD", "EUR"]))
    assert money.currency == "EUR"
    assert money.known_share == pytest.approx(2 / 3)
    assert np.isnan(money.amounts).tolist() == [False, True, False]


def test_a_tie_of_currencies_does_not_hang_on_row_order():
    one, other = rfm([1, 2], ["USD", "EUR"]), rfm([2, 1], ["EUR", "USD"])
    assert comparable_money(one).currency == comparable_money(other).currency == "EUR"


def test_a_column_that_never_varies_is_zero():
    _, X = transformed(rfm([500] * 5, frequency=[1] * 5))
    assert X[:, 1:].tolist() == [[0.0, 0.0]] * 5


def test_centres_go_back_to_days_orders_and_money():
    frame = rfm([100, 200, 400, 800])
    features, X = transformed(frame)
    expected = frame[list(FEATURES)].to_numpy(float)
    assert features.in_units(X) == pytest.approx(expected)

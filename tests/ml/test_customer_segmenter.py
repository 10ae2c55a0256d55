"""CustomerSegmenter: order of clusters, row order, unknown features."""

from __future__ import annotations

import numpy as np
import pytest

from ml.segments.choose_k import StabilityRule
from ml.segments.model import CustomerSegmenter

RULE = StabilityRule(k_max=5, n_resamples=20, n_init=5, resample_n_init=3)
GENERATOR = np.random.default_rng(5)
X = np.vstack([GENERATOR.normal(c, 0.4, (80, 3)) for c in ((3, -3, -3), (-3, 3, 3), (3, 3, 0))])
DIRECTIONS = (-1, 1, 1)


@pytest.fixture(scope="module")
def fitted() -> CustomerSegmenter:
    return CustomerSegmenter(directions=DIRECTIONS, rule=RULE).fit(X)


def test_best_cluster_comes_first(fitted):
    assert fitted.k_ == 3
    assert np.round(fitted.centers_).astype(int).tolist() == [[-3, 3, 3], [3, 3, 0], [3, -3, -3]]
    assert fitted.predict(X).tolist() == [2] * 80 + [0] * 80 + [1] * 80
    assert fitted.stability_.value == pytest.approx(1.0)
    assert fitted.silhouette_.value > 0.7


@pytest.mark.parametrize("seed", [0, 1])
def test_row_order_changes_nothing(fitted, seed):
    order = np.random.default_rng(seed).permutation(len(X))
    again = CustomerSegmenter(directions=DIRECTIONS, rule=RULE).fit(X[order])
    assert again.centers_.tobytes() == fitted.centers_.tobytes()
    assert again.choice_ == fitted.choice_
    assert (again.predict(X) == fitted.predict(X)).all()


def test_labels_do_not_depend_on_the_initialisation(fitted):
    other = CustomerSegmenter(random_state=7, directions=DIRECTIONS, rule=RULE).fit(X)
    assert (other.predict(X) == fitted.predict(X)).all()


def test_distance_is_euclidean_and_scaled_where_a_feature_is_unknown(fitted):
    centre = fitted.centers_[0]
    row = centre + np.array([3.0, 4.0, 0.0])
    partly = row.copy()
    partly[2] = np.nan
    labels, distances = fitted.nearest(np.array([row, partly]))
    assert labels.tolist() == [0, 0]
    assert distances == pytest.approx([5.0, 5.0 * np.sqrt(3 / 2)])


def test_rows_with_unknown_features_teach_nothing(fitted):
    unknown = np.full((40, 3), np.nan)
    unknown[:, 0] = 100.0
    again = CustomerSegmenter(directions=DIRECTIONS, rule=RULE).fit(np.vstack([X, unknown]))
    assert again.centers_.tobytes() == fitted.centers_.tobytes()
    assert again.n_complete_ == len(X)


def test_single_segment_has_the_mean_as_centre():
    one = CustomerSegmenter(rule=RULE).fit(X[:20])
    assert one.centers_ == pytest.approx(X[:20].mean(axis=0, keepdims=True))
    assert (one.silhouette_, one.stability_) == (None, None)
    assert set(one.predict(X).tolist()) == {0}


def test_errors():
    with pytest.raises(ValueError, match="without unknown features"):
        CustomerSegmenter().fit(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="expected 3 signs"):
        CustomerSegmenter(directions=(1, 1)).fit(X)
    with pytest.raises(ValueError, match="at least one known feature"):
        CustomerSegmenter(rule=RULE).fit(X).predict(np.full((1, 3), np.nan))

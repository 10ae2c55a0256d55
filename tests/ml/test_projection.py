"""The view: two principal components that never turn round."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from ml.segments.projection import project

X = np.random.default_rng(3).normal(size=(500, 4)) @ np.diag([3.0, 2.0, 0.5, 0.1]) + 7


def test_it_is_principal_components_analysis():
    view = project(X)
    theirs = PCA(n_components=2).fit(X)
    assert view.explained == pytest.approx(theirs.explained_variance_ratio_)
    assert np.abs(view.points) == pytest.approx(np.abs(theirs.transform(X)))
    assert view.loadings @ view.loadings.T == pytest.approx(np.eye(2), abs=1e-12)


def test_the_largest_loading_is_positive_even_when_data_are_mirrored():
    for data in (X, -X, X * [-1, 1, -1, 1]):
        loadings = project(data).loadings
        assert (loadings[np.arange(2), np.abs(loadings).argmax(axis=1)] > 0).all()


def test_row_order_moves_nobody():
    order = np.random.default_rng(4).permutation(len(X))
    assert project(X[order]).points == pytest.approx(project(X).points[order])


def test_customers_who_are_all_alike_lie_at_the_origin():
    view = project(np.full((10, 3), 2.5))
    assert (view.points == 0).all()
    assert view.explained == (0.0, 0.0)

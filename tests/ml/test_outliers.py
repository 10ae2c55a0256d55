"""Outliers: DBSCAN's noise, the same whatever the order, and words where nobody can be judged."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import DBSCAN

from ml.segments.outliers import find_outliers

GENERATOR = np.random.default_rng(11)
CROWDS = np.vstack([GENERATOR.normal(c, 0.3, (400, 3)) for c in ((0, 0, 0), (4, 0, 1))])
STRANGERS = np.array([[9.0, 9, 9], [-7, 5, 0], [2, -8, 8]])


def test_strangers_are_found_and_crowds_are_not():
    found = find_outliers(np.vstack([CROWDS, STRANGERS]))
    assert found.is_outlier[-3:].all()
    assert found.is_outlier[:-3].mean() < 0.02
    assert found.share == pytest.approx(found.is_outlier.mean())


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_noise_of_dbscan(seed):
    generator = np.random.default_rng(seed)
    X = np.vstack([CROWDS[generator.integers(0, 800, 300)], generator.normal(0, 4, (20, 3))])
    found = find_outliers(X)
    noise = DBSCAN(eps=found.radius, min_samples=found.neighbours).fit(X).labels_ == -1
    assert found.is_outlier.tolist() == noise.tolist()
    assert noise.any()


def test_a_group_that_keeps_together_is_a_crowd():
    apart = GENERATOR.normal(12, 0.05, (30, 3))
    assert not find_outliers(np.vstack([CROWDS, apart])).is_outlier[-30:].any()


def test_a_sample_finds_the_same_strangers():
    many = np.vstack([np.repeat(CROWDS, 5, axis=0) + GENERATOR.normal(0, 0.05, (4000, 3)), STRANGERS])
    found = find_outliers(many, sample_size=1000)
    assert found.looked_at == 1000
    assert found.is_outlier[-3:].all()
    assert found.share < 0.02


@pytest.mark.parametrize(
    ("X", "reason"),
    [
        (CROWDS[:5], "5 customers, needed more than 6"),
        (np.zeros((100, 3)), "too much alike"),
        (CROWDS[:0], "0 customers"),
    ],
)
def test_where_nobody_can_be_judged_nobody_is_an_outlier(X, reason):
    found = find_outliers(X)
    assert not found.is_outlier.any()
    assert found.share is None
    assert reason in found.reason

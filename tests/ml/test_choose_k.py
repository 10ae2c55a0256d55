"""The stability rule on planted groups, splinters, ties and shops too small to cluster."""

from __future__ import annotations

import numpy as np
import pytest

from ml.segments.choose_k import StabilityRule, choose_k

FAST = {"n_resamples": 20, "n_init": 5, "resample_n_init": 3}
CENTRES = {
    3: ((-5, 0), (5, 0), (0, 6)),
    4: ((-5, -5), (5, 5), (5, -5), (-5, 5)),
    5: ((-6, -6), (6, 6), (6, -6), (-6, 6), (0, 0)),
}


def blobs(k: int, size: int = 150, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.vstack([generator.normal(centre, 0.7, (size, 2)) for centre in CENTRES[k]])


@pytest.mark.parametrize("k", sorted(CENTRES))
def test_planted_groups_are_counted(k):
    # The full number of resamples: with 20 the Jaccard of k = 5 on three groups wavers about the bound.
    choice = choose_k(blobs(k), StabilityRule(k_max=6, n_init=5, resample_n_init=5))
    assert choice.k == k
    assert choice.chosen is not None
    assert choice.chosen.stability.value == pytest.approx(1.0)
    assert "largest k" in choice.reason


def test_without_the_rule_per_cluster_groups_are_cut_in_two():
    # Why min_jaccard exists: the ARI of the whole forgives one arbitrary cut among four real groups.
    assert choose_k(blobs(4), StabilityRule(k_max=7, min_jaccard=0.0, **FAST)).k > 4


def test_a_splinter_cluster_disqualifies_k():
    few = np.random.default_rng(1).normal((0, 12), 0.1, (5, 2))
    choice = choose_k(np.vstack([blobs(3), few]), StabilityRule(k_max=4, **FAST))
    by_k = {candidate.k: candidate for candidate in choice.candidates}
    assert by_k[4].smallest_share == pytest.approx(5 / 455)
    assert not by_k[4].passes
    assert choice.k < 4


def test_where_none_passes_the_most_stable_is_taken():
    rule = StabilityRule(k_max=5, min_stability=1.01, **FAST)
    choice = choose_k(blobs(3), rule)
    assert choice.k == 3
    assert "no k passed" in choice.reason


def test_too_few_customers_are_one_segment():
    choice = choose_k(blobs(3, 20)[:49], StabilityRule(min_customers=50))
    assert (choice.k, choice.candidates, choice.chosen) == (1, (), None)
    assert "49 customers" in choice.reason
    assert choose_k(np.repeat([[0.0], [9.0]], 25, axis=0), StabilityRule(**FAST)).k == 2


def test_identical_customers_are_one_segment():
    choice = choose_k(np.ones((80, 3)))
    assert choice.k == 1
    assert "1 distinct" in choice.reason


def test_no_more_clusters_than_distinct_points():
    rows = np.repeat([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], 30, axis=0)
    choice = choose_k(rows, StabilityRule(**FAST))
    assert [candidate.k for candidate in choice.candidates] == [2, 3]
    assert choice.k == 3


def test_many_customers_are_compared_on_a_sample():
    choice = choose_k(blobs(3, 400), StabilityRule(k_max=4, sample_size=300, **FAST))
    assert choice.k == 3
    assert choice.chosen is not None
    assert choice.chosen.silhouette is not None
    assert choice.chosen.silhouette.n == 300


def test_the_rule_checks_its_range():
    with pytest.raises(ValueError, match="k_min"):
        StabilityRule(k_min=5, k_max=4)

"""Silhouette, bootstrap agreement and intervals against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from ml.evaluation.clustering import best_jaccard, bootstrap_agreement, kmeans_fitter, sample_rows, silhouette
from ml.evaluation.intervals import bootstrap_interval, percentile_interval

BLOBS = np.vstack([np.random.default_rng(3).normal(c, 0.3, (60, 2)) for c in ((0, 0), (5, 5), (0, 5))])
PLANTED = np.repeat([0, 1, 2], 60)


def test_ari_of_a_hand_case():
    # Partitions {1,2}{3,4} and {1,2}{3}{4}: pairs together 2 and 1, in both 1, of 6 pairs.
    # Expected by chance 2*1/6 = 1/3, at most (2+1)/2: (1 - 1/3) / (3/2 - 1/3) = 4/7.
    X, reference, other = np.zeros((4, 1)), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    found = bootstrap_agreement(X, reference, lambda rows, seed: lambda data: other, n_resamples=20)
    assert found.ari == pytest.approx(np.full(20, 4 / 7))
    assert found.ari[0] == adjusted_rand_score(reference, other)
    # The first cluster is found again whole, the second only by half.
    assert found.jaccard.tolist() == [[1.0, 0.5]] * 20
    assert found.smallest_jaccard() == 0.5
    assert found.stability() == pytest.approx((4 / 7, 4 / 7, 4 / 7, 20))


def test_best_jaccard_takes_the_most_similar_cluster():
    assert best_jaccard(np.array([0, 0, 0, 1]), np.array([1, 1, 0, 0])).tolist() == [2 / 3, 1 / 2]


def test_each_resample_is_as_large_as_the_data_and_judged_on_all_of_it():
    learned, judged, seeds = [], [], []

    def fit(rows, seed):
        learned.append(rows)
        seeds.append(seed)

        def predict(data):
            judged.append(len(data))
            return PLANTED

        return predict

    bootstrap_agreement(BLOBS, PLANTED, fit, n_resamples=25)
    assert [len(rows) for rows in learned] == [180] * 25
    assert judged == [180] * 25
    assert len(set(seeds)) == 25
    # Drawn with replacement: about 63 % of the rows occur, and no two resamples are the same.
    assert all(90 < len(np.unique(rows, axis=0)) < 140 for rows in learned)
    assert len({rows.tobytes() for rows in learned}) == 25


def test_real_groups_are_found_again_and_an_arbitrary_cut_is_not():
    real = bootstrap_agreement(BLOBS, PLANTED, kmeans_fitter(3, 5), n_resamples=20)
    assert real.stability().value == 1.0
    assert real.smallest_jaccard() == 1.0
    cut = kmeans_fitter(4, 5)(BLOBS, 0)(BLOBS)
    assert bootstrap_agreement(BLOBS, cut, kmeans_fitter(4, 5), n_resamples=20).smallest_jaccard() < 0.75


def test_too_few_resamples_are_refused():
    with pytest.raises(ValueError, match="n_resamples: expected at least 20, got 19"):
        bootstrap_agreement(BLOBS, PLANTED, kmeans_fitter(3, 1), n_resamples=19)


def test_silhouette_is_scikit_learns_and_lies_in_its_interval():
    found = silhouette(BLOBS, PLANTED)
    assert found is not None
    assert found.value == pytest.approx(silhouette_score(BLOBS, PLANTED))
    assert found.low < found.value < found.high
    assert found.n == 180


def test_silhouette_of_a_sample_says_so_and_is_repeatable():
    first, again = (silhouette(BLOBS, PLANTED, sample_size=50, random_state=7) for _ in range(2))
    assert first is not None
    assert first == again
    assert first.n == 50
    assert first != silhouette(BLOBS, PLANTED, sample_size=50, random_state=8)


@pytest.mark.parametrize("labels", [np.zeros(180, int), np.arange(180)])
def test_silhouette_is_undefined_for_one_group_or_all_alone(labels):
    assert silhouette(BLOBS, labels) is None


def test_sample_rows():
    assert sample_rows(3, 5, 0).tolist() == [0, 1, 2]
    rows = sample_rows(1000, 10, 0)
    assert len(set(rows.tolist())) == 10
    assert (np.diff(rows) > 0).all()


def test_percentile_interval_and_its_errors():
    assert percentile_interval(np.arange(101), 0.9) == pytest.approx((5, 95))
    with pytest.raises(ValueError, match="between 0 and 1"):
        percentile_interval([1.0], 1.0)
    with pytest.raises(ValueError, match="non-empty"):
        percentile_interval([])


def test_bootstrap_interval_of_a_mean_matches_its_standard_error():
    values = np.random.default_rng(0).normal(10, 2, 400)
    found = bootstrap_interval(values, n_resamples=2000)
    assert found.value == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)


def test_bootstrap_interval_keeps_pairs_together():
    pairs = np.column_stack([np.arange(50.0), 2 * np.arange(50.0)])
    found = bootstrap_interval(pairs, lambda part: float(np.corrcoef(part.T)[0, 1]), n_resamples=50)
    assert found[:3] == pytest.approx((1, 1, 1))

"""Each member against its formula, written out in dense arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import cosine_similarity

from ml.recommend.als import ALS
from ml.recommend.content import Content
from ml.recommend.ease import EASE, UserEASE, autoencoder
from ml.recommend.fusion import ReciprocalRankFusion, ZScoreFusion, standardise
from ml.recommend.graph import RP3Beta
from ml.recommend.interactions import Interactions
from ml.recommend.item_knn import ItemKNN
from ml.recommend.popularity import CategoryPopularity, GroupPopularity, Popularity
from ml.recommend.top_items import top_items
from ml.recommend.user_knn import UserKNN
from tests.ml.recommend.made_up_log import taste_log

LOG = taste_log(n_users=40, n_items=16, per_user=8, seed=3)
DATA = Interactions.from_frame(LOG)
X = DATA.matrix.toarray().astype(float)
B = (X > 0).astype(float)
ROWS = np.arange(len(X))


def dense(scores) -> np.ndarray:
    return scores.toarray() if hasattr(scores, "toarray") else np.asarray(scores)


def without_diagonal(matrix: np.ndarray) -> np.ndarray:
    return matrix - np.diag(matrix.diagonal())


def test_item_cosine_is_the_textbook_one():
    model = ItemKNN("cosine", neighbours=None).fit(DATA)
    expected = without_diagonal(cosine_similarity(X.T))
    np.testing.assert_allclose(model.similarity_.toarray(), expected, atol=1e-6)
    np.testing.assert_allclose(dense(model.scores(ROWS)), X @ expected, rtol=1e-5)


def test_neighbours_are_the_nearest():
    model = ItemKNN("cosine", neighbours=3).fit(DATA)
    full = without_diagonal(cosine_similarity(X.T))
    kept = model.similarity_.toarray()
    assert ((kept > 0).sum(axis=1) <= 3).all()
    for row in range(len(full)):
        np.testing.assert_allclose(np.sort(kept[row])[::-1][:3], np.sort(full[row])[::-1][:3], atol=1e-6)


def test_shrink_and_asymmetry():
    model = ItemKNN("cosine", neighbours=None, shrink=4, asymmetry=0.3, use_weights=False).fit(DATA)
    size = B.sum(axis=0) + 4
    expected = without_diagonal((B.T @ B) / (size[:, None] ** 0.7 * size[None, :] ** 0.3))
    np.testing.assert_allclose(model.similarity_.toarray(), expected, rtol=1e-5, atol=1e-8)


def test_tfidf_and_bm25_hold_down_users_of_many_items():
    rarity = np.log1p(X.shape[1]) - np.log1p(B.sum(axis=1))
    tfidf = ItemKNN("tfidf", neighbours=None).fit(DATA).similarity_.toarray()
    expected = without_diagonal(cosine_similarity((np.sqrt(X) * rarity[:, None]).T))
    np.testing.assert_allclose(tfidf, expected, atol=1e-6)
    bm25 = ItemKNN("bm25", neighbours=None, k1=2.0, b=0.5).fit(DATA).similarity_.toarray()
    length = X.sum(axis=0)
    weighted = X * 3.0 / (2.0 * (0.5 + 0.5 * length / length.mean()) + X) * rarity[:, None]
    np.testing.assert_allclose(bm25, without_diagonal(weighted.T @ weighted), rtol=1e-4, atol=1e-6)


def test_jaccard_counts_users():
    model = ItemKNN("jaccard", neighbours=None).fit(DATA)
    shared = B.T @ B
    size = B.sum(axis=0)
    expected = without_diagonal(shared / (size[:, None] + size[None, :] - shared))
    np.testing.assert_allclose(model.similarity_.toarray(), expected, rtol=1e-5)


def test_user_knn_asks_the_nearest():
    rarity = np.log1p(len(X)) - np.log1p(B.sum(axis=0))
    near = without_diagonal(cosine_similarity(B * rarity))
    found = dense(UserKNN(len(X), sharpness=2).fit(DATA).scores(ROWS))
    np.testing.assert_allclose(found, near**2 @ B, rtol=1e-4, atol=1e-6)
    five = UserKNN(5).fit(DATA).neighbours_.toarray()
    assert ((five > 0).sum(axis=1) <= 5).all()
    np.testing.assert_allclose(np.sort(five, axis=1)[:, -5:], np.sort(near, axis=1)[:, -5:], atol=1e-6)


def test_rp3beta_is_three_steps():
    to_item = (B / B.sum(axis=1, keepdims=True)) ** 0.8
    to_user = (B.T / B.sum(axis=0)[:, None]) ** 0.8
    expected = without_diagonal(to_user @ to_item / B.sum(axis=0) ** 0.5)
    model = RP3Beta(0.8, 0.5, neighbours=None).fit(DATA)
    np.testing.assert_allclose(model.similarity_.toarray(), expected, rtol=1e-4, atol=1e-8)


def test_ease_is_the_ridge_regression_of_each_item_on_the_others():
    weights = EASE(7.0).fit(DATA).similarity_
    assert (weights.diagonal() == 0).all()
    for item in (0, 3, 9):
        others = np.delete(np.arange(B.shape[1]), item)
        ridge = Ridge(alpha=7.0, fit_intercept=False).fit(B[:, others], B[:, item])
        np.testing.assert_allclose(weights[others, item], ridge.coef_, atol=1e-5)


def test_dropout_is_a_penalty_by_how_many_users_an_item_has():
    weights = EASE(7.0, dropout=0.25).fit(DATA).similarity_
    item, others = 4, np.delete(np.arange(B.shape[1]), 4)
    penalty = 7.0 + 0.25 / 0.75 * B.sum(axis=0)[others]
    expected = np.linalg.solve(B[:, others].T @ B[:, others] + np.diag(penalty), B[:, others].T @ B[:, item])
    np.testing.assert_allclose(weights[others, item], expected, atol=1e-5)


def test_a_relaxed_diagonal_binds_only_where_it_would_be_larger():
    gram = B.T @ B
    free = np.linalg.solve(gram + 7.0 * np.eye(len(gram)), gram)
    limit = float(np.median(free.diagonal()))
    weights = autoencoder(gram, 7.0, diagonal=limit)
    np.testing.assert_allclose(weights.diagonal(), np.minimum(free.diagonal(), limit), atol=1e-9)
    loose = free.diagonal() <= limit
    np.testing.assert_allclose(weights[:, loose], free[:, loose], atol=1e-9)
    # the constrained columns are least among those with that diagonal: no direction of descent is left
    column = int(np.argmax(free.diagonal()))
    gradient = gram @ weights[:, column] - gram[:, column] + 7.0 * weights[:, column]
    np.testing.assert_allclose(np.delete(gradient, column), 0, atol=1e-8)


def test_user_ease_is_ease_of_users():
    found = dense(UserEASE(7.0).fit(DATA).scores(ROWS))
    weights = autoencoder(B @ B.T, 7.0)
    expected = weights.T @ B
    known = np.isfinite(found)
    np.testing.assert_allclose(found[known], expected[known], atol=1e-5)
    assert np.abs(expected[~known]).max(initial=0.0) < 1e-6


def test_heavy_users_count_less_in_ease():
    weights = EASE(1.0, user_power=1.0).fit(DATA).similarity_
    scaled = B / np.sqrt(B.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(weights, autoencoder(scaled.T @ scaled, 1.0), atol=1e-5)


def test_too_many_items_for_a_cube_are_refused(monkeypatch):
    monkeypatch.setattr("ml.recommend.ease.MOST_ITEMS", 10)
    with pytest.raises(ValueError, match="at most 10 items"):
        EASE().fit(DATA)
    with pytest.raises(ValueError, match="at most 10 users"):
        UserEASE().fit(DATA)


def test_als_finds_blocks_and_repeats_itself():
    found = dense(ALS(8, random_state=5).fit(DATA).scores(ROWS))
    again = dense(ALS(8, random_state=5).fit(DATA).scores(ROWS))
    np.testing.assert_allclose(found, again, atol=1e-9)
    assert found[B > 0].mean() > found[B == 0].mean() + 0.4


def test_als_factors_solve_their_normal_equations():
    model = ALS(4, regularization=0.5, alpha=10.0, iterations=60).fit(DATA)
    users, user = model.user_factors_.astype(float), 3
    confidence = 1 + 9.0 * B[:, 5]
    left = (users * confidence[:, None]).T @ users + 0.5 * np.eye(4)
    expected = np.linalg.solve(left, users.T @ (10.0 * B[:, 5]))
    np.testing.assert_allclose(model.item_factors_[5], expected, atol=2e-3)
    assert users.shape == (len(X), 4) and user < len(users)


def test_popularity_counts_users_or_adds_weights_and_may_look_back():
    counts = Popularity().fit(DATA).scores_
    np.testing.assert_array_equal(counts, np.where(B.sum(axis=0) > 0, B.sum(axis=0), -np.inf))
    np.testing.assert_allclose(Popularity(count_users=False).fit(DATA).scores_, X.sum(axis=0), rtol=1e-6)
    recent = Popularity(10).fit(DATA).scores_
    newest = LOG.groupby(["user", "item"])["time"].max()
    since = newest[newest > LOG["time"].max() - pd.Timedelta(10, "D")].reset_index().groupby("item").size()
    np.testing.assert_array_equal(
        np.where(np.isfinite(recent), recent, 0), since.reindex(DATA.items, fill_value=0).to_numpy()
    )
    with pytest.raises(ValueError, match="with times"):
        Popularity(10).fit(Interactions.from_frame(LOG.drop(columns="time")))


def test_popularity_of_a_group_is_filled_up_by_all():
    rows = pd.DataFrame({"user": list("aabbcd"), "item": ["x", "y", "x", "z", "z", "z"]})
    model = GroupPopularity({"a": "north", "b": "north", "d": "south"}).fit(Interactions.from_frame(rows))
    assert list(model.recommend(["d"], 3, filter_seen=False)["item"]) == ["z", "x", "y"]
    assert list(model.recommend(["a"], 3, filter_seen=False)["item"]) == ["x", "z", "y"]
    # c is in no group, a stranger neither: both get what all choose
    for user in ("c", "stranger"):
        assert list(model.recommend([user], 3, filter_seen=False)["item"]) == ["z", "x", "y"]


def test_popularity_in_the_categories_one_likes():
    rows = pd.DataFrame(
        {"user": list("aaabbbbccc"), "item": ["s1", "s2", "s3", "t1", "t2", "s1", "s4", "t1", "t2", "t3"]}
    )
    categories = {item: item[0] for item in rows["item"]}
    model = CategoryPopularity(categories, smoothing=0.5).fit(Interactions.from_frame(rows))
    assert list(model.recommend(["a"], 1)["item"]) == ["s4"]
    taste = model.taste_[model.interactions_.rows_of(["c"])[0]]
    # three looks at t and half a look of the average user, who looks at s and t alike
    np.testing.assert_allclose(taste, [0.25 / 3.5, 3.25 / 3.5])


def test_content_reads_english_and_chinese():
    catalogue = pd.DataFrame(
        {
            "item": ["shirt", "blouse", "tea", "衬衫", "棉衣", "plain"],
            "text": ["red cotton shirt", "red cotton blouse", "green tea leaves", "红色纯棉衬衫", "蓝色纯棉上衣", None],
            "category": ["wear", "wear", "food", None, None, "food"],
            "price": [20, 21, 5, 19, None, 5],
        }
    )
    data = Interactions.from_frame(
        pd.DataFrame({"user": ["a", "b"], "item": ["shirt", "衬衫"]}), items=catalogue["item"]
    )
    model = Content(catalogue).fit(data)
    assert model.recommend(["a"], 1)["item"].item() == "blouse"
    assert model.recommend(["b"], 1)["item"].item() == "棉衣"
    assert model.similar(["plain"], 1)["similar_item"].item() == "tea"
    told = model.because(model.recommend(["b"], 1))
    assert told["because_item"].item() == "衬衫"
    with pytest.raises(ValueError, match="each item once"):
        Content(pd.concat([catalogue, catalogue]))
    with pytest.raises(ValueError, match="any of text"):
        Content(catalogue[["item"]])


def test_reasons_are_the_largest_terms_of_the_sum():
    for model in (EASE(7.0).fit(DATA), ItemKNN("cosine", neighbours=5).fit(DATA)):
        told = model.because(model.recommend(DATA.users, 2))
        similarity = dense(model.similarity_)
        profile = dense(model.profile_)
        for row in told.iloc[::7].itertuples():
            user, item = DATA.rows_of([row.user])[0], DATA.columns_of([row.item])[0]
            terms = np.maximum(profile[user] * similarity[:, item], 0)
            assert row.because_item == DATA.items[terms.argmax()]
            assert row.share == pytest.approx(terms.max() / terms.sum(), rel=1e-4)
            assert row.because_item in set(LOG.loc[LOG["user"] == row.user, "item"])
            fans = [set(LOG.loc[LOG["item"] == name, "user"]) for name in (row.item, row.because_item)]
            assert row.users_of_both == len(fans[0] & fans[1])
    # where no item speaks for it there is no reason
    told = EASE(7.0).fit(DATA).because(pd.DataFrame({"user": ["stranger", "u001"], "item": ["i000", "unknown"]}))
    assert told["because_item"].isna().all() and (told["users_of_both"] == 0).all()


def test_zscore_fusion_is_the_mean_of_standardised_open_scores():
    members = [EASE(7.0), ItemKNN("cosine")]
    found = ZScoreFusion(members, [3, 1]).fit(DATA).open_scores(ROWS)
    parts = []
    for member in members:
        scores = np.where(B > 0, np.nan, np.where(np.isfinite(s := dense(member.scores(ROWS))), s, np.nan))
        parts.append((scores - np.nanmean(scores, 1)[:, None]) / np.nanstd(scores, 1)[:, None])
    expected = 0.75 * parts[0] + 0.25 * parts[1]
    known = np.isfinite(found) & np.isfinite(expected)
    assert known.sum() > 300
    np.testing.assert_allclose(found[known], expected[known], rtol=1e-4, atol=1e-5)
    assert (found[B > 0] == -np.inf).all()


def test_standardising_equal_scores_gives_nothing():
    table = np.array([[0.1, 0.1, 0.1], [-np.inf, 1.0, 3.0], [-np.inf] * 3])
    np.testing.assert_allclose(standardise(table), [[0, 0, 0], [0, -1, 1], [0, 0, 0]])


def test_rank_fusion_adds_reciprocal_places():
    members = [EASE(7.0), Popularity()]
    found = ReciprocalRankFusion(members, depth=3, constant=60).fit(DATA).recommend(["u001"], 5)
    score: dict[str, float] = {}
    for member in members:
        for row in member.recommend(["u001"], 3).itertuples():
            score[row.item] = score.get(row.item, 0) + 0.5 / (60 + row.rank)
    expected = sorted(score, key=lambda item: (-score[item], item))[:5]
    assert list(found["item"]) == expected


@pytest.mark.parametrize("weights", [[1], [0, 0], [-1, 2], [float("nan"), 1]])
def test_weights_of_a_fusion_are_checked(weights):
    with pytest.raises(ValueError, match="weights"):
        ZScoreFusion([EASE(), Popularity()], weights)


@pytest.mark.parametrize("filter_seen", [True, False])
@pytest.mark.parametrize("k", [1, 4])
def test_the_short_way_to_the_best_is_the_long_one_with_ties_too(k, filter_seen):
    """Counts of 0 and 1 tie often, and a tie that is cut off must still go by item id."""
    generator = np.random.default_rng(8)
    ties = 0
    for _ in range(25):
        n = int(generator.integers(20, 120))
        rows = pd.DataFrame({"user": generator.integers(0, 12, n), "item": generator.integers(100, 160, n)})
        data = Interactions.from_frame(rows.drop_duplicates())
        for model in (
            ItemKNN("jaccard", neighbours=None),
            ItemKNN("cosine", neighbours=6),
            RP3Beta(neighbours=None),
            Popularity(),
        ):
            model.fit(data)
            users = np.arange(data.shape[0])
            short, whole = model.top(users, k, filter_seen), top_items(model.open_scores(users, filter_seen), k)
            np.testing.assert_array_equal(short.row, whole.row)
            np.testing.assert_array_equal(short.rank, whole.rank)
            np.testing.assert_allclose(short.score, whole.score, rtol=1e-5)
            apart = short.column != whole.column
            # only where rounding orders two sums of the same terms may the items differ
            np.testing.assert_allclose(short.score[apart], whole.score[apart], rtol=1e-6)
            assert apart.mean() < 0.1 if len(apart) else True
            ties += int((np.diff(whole.score) == 0).sum())
    assert ties > 20 or k == 1

"""Measures of ranked lists, each against plain Python written from its definition, and clear refusals."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.evaluation.ranking.catalogue import catalogue_measures
from ml.evaluation.ranking.groups import group_metrics, head_items
from ml.evaluation.ranking.metrics import METRICS, gain, means, user_metrics

USERS = ["u1", "u2", "用户三", "u4"]
ITEMS = ["a", "b", "c", "d", "é", "商品", "g"]

lists = st.dictionaries(st.sampled_from(USERS), st.lists(st.sampled_from(ITEMS), unique=True, max_size=7))
choices = st.dictionaries(st.sampled_from(USERS), st.lists(st.sampled_from(ITEMS), max_size=9))


def as_lists(given_lists: dict[str, list[str]]) -> pd.DataFrame:
    rows = [(user, item, place) for user, items in given_lists.items() for place, item in enumerate(items, 1)]
    # shuffled: the order of rows says nothing
    return pd.DataFrame(rows, columns=["user", "item", "rank"]).sample(frac=1, random_state=3)


def as_pairs(chosen: dict[str, list[str]]) -> pd.DataFrame:
    return pd.DataFrame([(u, i) for u, items in chosen.items() for i in items], columns=["user", "item"])


def plain(ranked: list[str], wanted: set[str], k: int) -> dict[str, float]:
    """The definitions, one user at a time."""
    top = ranked[:k]
    places = [place for place, item in enumerate(top, 1) if item in wanted]
    ideal = sum(1 / math.log2(1 + place) for place in range(1, min(len(wanted), k) + 1))
    return {
        "ndcg": sum(1 / math.log2(1 + place) for place in places) / ideal,
        "map": sum((number + 1) / place for number, place in enumerate(places)) / len(wanted),
        "precision": len(places) / k,
        "recall": len(places) / len(wanted),
        "mrr": 1 / places[0] if places else 0.0,
        "hit_rate": 1.0 if places else 0.0,
    }


@settings(max_examples=150, deadline=None)
@given(lists, choices, st.integers(1, 9))
def test_each_measure_is_its_definition(ranked, chosen, k):
    found = user_metrics(as_lists(ranked), as_pairs(chosen), k=k)
    wanted = {user: set(items) for user, items in chosen.items() if items}
    assert list(found.index) == sorted(wanted)
    for user, items in wanted.items():
        for metric, value in plain(ranked.get(user, []), items, k).items():
            assert found.loc[user, metric] == pytest.approx(value, abs=1e-12), (user, metric)


@settings(max_examples=60, deadline=None)
@given(lists, choices, st.integers(1, 7))
def test_each_catalogue_measure_is_its_definition(ranked, learned, k):
    train = as_pairs(learned)
    found = catalogue_measures(as_lists(ranked), train, k=k, n_items=len(ITEMS))
    shown = {user: items[:k] for user, items in ranked.items() if items}
    if not shown:
        assert set(found.values()) == {None}
        return
    fans = {item: {user for user, items in learned.items() if item in items} for item in ITEMS}
    n_users = max(sum(1 for items in learned.values() if items), 1)
    every = [item for items in shown.values() for item in items]
    share = {item: len(fans[item]) / n_users for item in ITEMS}
    assert found["coverage"] == pytest.approx(len(set(every)) / len(ITEMS))
    assert found["popularity"] == pytest.approx(np.mean([share[item] for item in every]))
    assert found["novelty"] == pytest.approx(np.mean([-math.log2(max(share[i], 0.5 / n_users)) for i in every]))
    counts = [every.count(item) for item in ITEMS]
    spread = sum(abs(one - other) for one in counts for other in counts)
    assert found["gini"] == pytest.approx(spread / (2 * len(counts) * sum(counts)))

    def alike(one: str, other: str) -> float:
        if not fans[one] or not fans[other]:
            return 0.0
        return len(fans[one] & fans[other]) / math.sqrt(len(fans[one]) * len(fans[other]))

    diverse = [np.mean([1 - alike(*two) for two in combinations(i, 2)]) for i in shown.values() if len(i) > 1]
    assert found["diversity"] == (pytest.approx(np.mean(diverse)) if diverse else None)
    known = [user for user in shown if learned.get(user)]
    if known:
        theirs = np.mean([np.mean([share[i] for i in set(learned[user])]) for user in known])
        lift = np.mean([np.mean([share[i] for i in shown[user]]) for user in known]) / theirs - 1
        assert found["popularity_lift"] == pytest.approx(lift)
    else:
        assert found["popularity_lift"] is None


def test_means_have_an_interval_that_holds_them():
    ranked = {"u1": ["a", "b"], "u2": ["c", "d"]}
    per_user = user_metrics(as_lists(ranked), as_pairs({"u1": ["a"], "u2": ["d", "e"], "u4": ["a"]}), k=2)
    found = means(per_user)
    assert found["recall"].value == pytest.approx((1 + 0.5 + 0) / 3)
    assert found["recall"].low <= found["recall"].value <= found["recall"].high
    assert found["recall"].n == 3
    assert means(per_user.iloc[:0]) == dict.fromkeys(METRICS)


def test_gain_is_of_the_same_users_and_narrower_than_either_interval():
    generator = np.random.default_rng(4)
    index = pd.Index([f"u{number}" for number in range(400)], name="user")
    level = generator.random(400)
    one = pd.DataFrame({"ndcg": level}, index=index)
    other = pd.DataFrame({"ndcg": level + 0.01 + generator.normal(0, 0.01, 400)}, index=index)
    found = gain(other, one)
    assert 0 < found.low < 0.01 < found.high
    whole = means(one, ["ndcg"])["ndcg"]
    assert found.high - found.low < (whole.high - whole.low) / 10
    with pytest.raises(ValueError, match="same users"):
        gain(other, one.iloc[1:])


def test_groups_part_users_by_what_is_known_of_them_and_items_by_how_well_known_they_are():
    train = as_pairs({"old": list("abcdefghij"), "new": ["a"], "other": ["a", "b"]})
    relevant = as_pairs({"old": ["x", "a"], "new": ["b", "x"], "stranger": ["x"]})
    ranked = as_lists({"old": ["a", "x"], "new": ["x"], "stranger": ["a"]})
    found = group_metrics(ranked, relevant, train, k=2, head_share=0.3)
    assert list(head_items(train, share=0.3)) == ["a", "b"]
    assert list(found["regular"].index) == ["old"]
    assert list(found["newcomer"].index) == ["new", "stranger"]
    assert found["head"]["recall"].to_dict() == {"new": 0.0, "old": 1.0}
    assert found["tail"]["recall"].to_dict() == {"new": 1.0, "old": 1.0, "stranger": 0.0}


@pytest.mark.parametrize(
    ("rows", "k", "says"),
    [
        ([("u", "a", 1), ("u", "a", 2)], 2, "each item once"),
        ([("u", "a", 1), ("u", "b", 1)], 2, "each rank once"),
        ([("u", "a", 0)], 2, "ranks from 1"),
        ([("u", "a", 1)], 0, "k: expected"),
    ],
)
def test_lists_that_are_none_are_refused(rows, k, says):
    recommended = pd.DataFrame(rows, columns=["user", "item", "rank"])
    with pytest.raises(ValueError, match=says):
        user_metrics(recommended, pd.DataFrame({"user": ["u"], "item": ["a"]}), k=k)


def test_more_items_shown_than_there_are_is_refused():
    ranked = as_lists({"u1": ["a", "b"]})
    with pytest.raises(ValueError, match="n_items"):
        catalogue_measures(ranked, as_pairs({"u1": ["a"]}), k=2, n_items=1)

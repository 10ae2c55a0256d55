"""Who serves: a baseline keeps its place until it is beaten beyond doubt, and a fusion has to be worth it."""

from __future__ import annotations

import numpy as np

from ml.recommend.choice import choose, chosen_model
from ml.recommend.ease import EASE
from ml.recommend.fusion import ZScoreFusion
from ml.recommend.popularity import Popularity
from ml.recommend.tuning import FUSION, Selection

CANDIDATES = {"popular": Popularity, "ease": lambda: EASE(20), "strong": lambda: EASE(200)}


def selection(n: int, *, ease: float, fusion: float, seed: int = 0) -> Selection:
    """Users whose nDCG is alike but for what a model adds, with noise of its own."""
    generator = np.random.default_rng(seed)
    level = generator.random(n)
    adds = {"popular": 0.0, "ease": ease, "strong": ease, FUSION: fusion}
    per_user = {name: level + added + generator.normal(0, 0.2, n) for name, added in adds.items()}
    alone = {name: float(values.mean()) for name, values in per_user.items() if name != FUSION}
    users = np.array([f"u{number % (n // 2)}" for number in range(n)], dtype=object)
    return Selection(alone, {"ease": 1, "strong": 1}, (alone["ease"],), per_user, users)


def test_few_users_do_not_unseat_the_baseline():
    found = choose(selection(60, ease=0.02, fusion=0.03), ["popular"])
    assert found.winner == "popular"
    assert "baseline" in found.reason


def test_many_users_do_and_a_fusion_has_to_be_worth_it():
    clear = choose(selection(4000, ease=0.1, fusion=0.2), ["popular"])
    assert clear.winner == FUSION
    same = choose(selection(4000, ease=0.1, fusion=0.1), ["popular"])
    assert same.winner in ("ease", "strong")


def test_the_champion_stays_where_nothing_is_better_beyond_doubt():
    assert choose(selection(4000, ease=0.1, fusion=0.1), ["popular"], champion="strong").winner == "strong"


def test_the_model_that_is_named_is_made():
    made = selection(4000, ease=0.1, fusion=0.2)
    assert isinstance(chosen_model(made, choose(made, ["popular"]), CANDIDATES), ZScoreFusion)
    low = selection(60, ease=0.0, fusion=0.0)
    assert isinstance(chosen_model(low, choose(low, ["popular"]), CANDIDATES), Popularity)


def test_a_fusion_of_one_is_no_contender():
    one = selection(4000, ease=0.1, fusion=0.2)
    alone = Selection(one.alone, {"ease": 3}, one.path, one.per_user, one.users)
    assert choose(alone, ["popular"]).winner in ("ease", "strong")

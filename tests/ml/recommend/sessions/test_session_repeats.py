"""How much a member weighs beside coming back is learned from the newest sessions."""

from __future__ import annotations

import numpy as np
import pytest

from ml.recommend.sessions.next_item import judge, positions
from ml.recommend.sessions.popularity import OwnItems
from ml.recommend.sessions.repeats import WEIGHTS, WithRepeats
from ml.recommend.sessions.sequential_rules import SequentialRules
from ml.recommend.sessions.steps import Steps
from tests.ml.recommend.sessions.session_data import steps_of


def two_back(sessions: int, seed: int) -> Steps:
    """Sessions whose every next item is the last but one, of items of their own and one that all of them have: rules
    know only the common one, and it comes as seldom as the others."""
    generator = np.random.default_rng(seed)
    found = {}
    for number in range(sessions):
        own = f"own-{seed}-{number}"
        pair = [own, "common"] if generator.random() < 0.5 else [f"{own}-a", f"{own}-b"]
        found[f"s{number:04d}"] = [*pair, *pair, *pair]
    return steps_of(found, 0.01)


def ring(sessions: int) -> Steps:
    """Sessions that go round a ring and never come back."""
    first = np.random.default_rng(1).integers(0, 30, sessions)
    return steps_of(
        {f"s{n:04d}": [f"i{(one + step) % 30:02d}" for step in range(5)] for n, one in enumerate(first)}, 0.01
    )


def test_what_comes_back_is_found_at_its_place() -> None:
    """The last but one comes next, which neither rules nor the newest-first list say."""
    training, test = two_back(300, 0), two_back(60, 1)
    at = positions(test, training)
    again = at.rows(at.repeats)
    model = WithRepeats(SequentialRules()).fit(training)
    assert model.again_[1] > 0.9 and model.again_[0] < 0.05
    assert model.weight_ < 1
    assert judge(model, again, training).reciprocal.mean() > 0.95
    assert judge(SequentialRules().fit(training), again, training).reciprocal.mean() < 0.7
    assert judge(OwnItems().fit(training), again, training).reciprocal.mean() == pytest.approx(0.5)


def test_where_nobody_comes_back_nothing_is_added() -> None:
    training = ring(200)
    model = WithRepeats(SequentialRules()).fit(training)
    assert (model.again_ == 0).all()
    at = positions(training, training)
    alone = SequentialRules().fit(training).recommend(at.contexts, 20)
    assert (model.recommend(at.contexts, 20).item == alone.item).all()


def test_the_weight_is_the_best_of_all_on_the_newest_sessions() -> None:
    """Learned as told: the same model at every weight, without the newest tenth, judged on it."""
    generator = np.random.default_rng(4)
    chance = np.linspace(2, 1, 15) / np.linspace(2, 1, 15).sum()
    steps = steps_of(
        {
            f"s{n:04d}": [f"i{one:02d}" for one in generator.choice(15, 6, p=chance)]
            + [f"i{(int(generator.integers(15))):02d}", f"own-{n}", f"own-{n}"]
            for n in range(200)
        },
        0.01,
    )
    held = np.arange(200) >= 180
    before, newest = steps.of_sessions(~held), steps.of_sessions(held)
    at = positions(newest, before)
    worth = {
        weight: judge(WithRepeats(SequentialRules(), weight=weight).fit(before), at, before).reciprocal.mean()
        for weight in WEIGHTS
    }
    assert len({round(float(one), 9) for one in worth.values()}) > 2
    chosen = WithRepeats(SequentialRules()).fit(steps).weight_
    assert worth[chosen] == pytest.approx(max(worth.values()))


def test_without_newest_sessions_to_judge_by_both_count_alike() -> None:
    assert WithRepeats(SequentialRules()).fit(steps_of({"s": "abab"})).weight_ == 1.0
    assert WithRepeats(SequentialRules(), weight=0.7).fit(steps_of({"s": "abab"})).weight_ == 0.7

"""Scores of the members against the same ones written out in plain Python, on random sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ml.recommend.sessions.fusion import RankFusion
from ml.recommend.sessions.item_pairs import ItemCoView, SessionItemKnn
from ml.recommend.sessions.model import SessionModel, best_of, fill_up
from ml.recommend.sessions.neighbours import Stan, Vsknn
from ml.recommend.sessions.next_item import positions
from ml.recommend.sessions.popularity import Popular
from ml.recommend.sessions.repeats import WithRepeats
from ml.recommend.sessions.sequential_rules import SequentialRules
from ml.recommend.sessions.steps import Contexts, Steps
from tests.ml.recommend.sessions import plain_members as plain
from tests.ml.recommend.sessions.session_data import random_frame

SEEDS = pytest.mark.parametrize("seed", range(3))


def moments(seed: int) -> tuple[plain.Log, Steps, Contexts, list[list[str]], list[pd.Timestamp]]:
    """Random sessions to learn from, others to ask about, what these know, and when."""
    frame, asked = random_frame(seed), Steps.from_frame(random_frame(seed + 100, sessions=8, longest=10))
    steps = Steps.from_frame(frame)
    at = positions(asked, steps).contexts
    known = [[str(at.items[one]) for one in at.flat[a:b]] for a, b in zip(at.starts, at.ends, strict=True)]
    return plain.Log.of(frame), steps, at, known, [pd.Timestamp(int(one), unit="us") for one in at.at]


def scores_of(model: SessionModel, at: Contexts, k: int = 12) -> list[dict[str, float]]:
    """Scores by item id, of what has one."""
    ranked = model.recommend(at, k)
    return [
        {str(ranked.items[item]): value for item, value in zip(row, values, strict=True) if value > 0}
        for row, values in zip(ranked.item, ranked.score, strict=True)
    ]


def agree(found: list[dict[str, float]], expected: list[dict[str, float]]) -> None:
    assert len(found) == len(expected) and any(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx({item: value for item, value in other.items() if value > 1e-11}, abs=1e-9)


@SEEDS
def test_co_view_and_item_knn(seed: int) -> None:
    log, steps, at, known, _ = moments(seed)
    agree(scores_of(ItemCoView().fit(steps), at), [plain.co_view(log, one) for one in known])
    model = SessionItemKnn(weights=(1.0, 0.5, 0.2), shrink=3.0)
    agree(scores_of(model.fit(steps), at), [plain.item_knn(log, one, (1.0, 0.5, 0.2), 3.0) for one in known])


@SEEDS
def test_sequential_rules(seed: int) -> None:
    log, steps, at, known, _ = moments(seed)
    model = SequentialRules(weights=(1.0, 0.4, 0.1), reach=3)
    agree(scores_of(model.fit(steps), at), [plain.rules(log, one, (1.0, 0.4, 0.1), 3) for one in known])


@SEEDS
@pytest.mark.parametrize("most", [4, 100])
def test_vsknn(seed: int, most: int) -> None:
    log, steps, at, known, _ = moments(seed)
    model = Vsknn(neighbours=most, reach=4)
    agree(scores_of(model.fit(steps), at), [plain.vsknn(log, one, most, 4) for one in known])


@SEEDS
@pytest.mark.parametrize("most", [4, 100])
def test_stan(seed: int, most: int) -> None:
    log, steps, at, known, when = moments(seed)
    model = Stan(neighbours=most, steps=2.0, days=3.0, places=1.5)
    expected = [plain.stan(log, one, moment, most, 2.0, 3.0, 1.5) for one, moment in zip(known, when, strict=True)]
    agree(scores_of(model.fit(steps), at), expected)


@SEEDS
def test_repeats(seed: int) -> None:
    log, steps, at, known, _ = moments(seed)
    model = WithRepeats(SequentialRules(), weight=1.5, reach=4).fit(steps)
    again = plain.coming_back(log, 4)
    assert model.again_ == pytest.approx(again)
    expected = []
    for one in known:
        said = plain.rules(log, one, model.member.weights, 10)
        scores = {item: 1.5 * value / sum(said.values()) for item, value in said.items()}
        for back, item in enumerate(plain.distinct_newest(one[-4:])):
            scores[item] = scores.get(item, 0.0) + again[back]
        expected.append(scores)
    agree(scores_of(model, at), expected)


def test_only_the_newest_sessions_of_an_item_can_be_neighbours() -> None:
    """With two a session of each item that is looked at, what older sessions went on to is not known."""
    frame = random_frame(7, sessions=60)
    steps = Steps.from_frame(frame)
    ages = steps.of_sessions(np.isin(np.arange(60), np.unique(np.concatenate(newest_two(steps)))))
    at = positions(Steps.from_frame(random_frame(8, sessions=10)), steps).contexts
    few, all_of_them = Vsknn(newest=2, rarity=0.0).fit(steps), Vsknn(rarity=0.0).fit(steps)
    assert scores_of(few, at) != scores_of(all_of_them, at)
    # one item known: its own newest two are all there is, so the others can be forgotten
    single = Contexts.from_lists([[str(item)] for item in steps.items])
    agree(scores_of(few, single), scores_of(Vsknn(newest=2, rarity=0.0).fit(ages), single))


def newest_two(steps: Steps) -> list[np.ndarray]:
    return [np.unique(steps.session[steps.item == item])[-2:] for item in range(len(steps.items))]


def test_a_fusion_adds_reciprocal_ranks() -> None:
    _, steps, at, _, _ = moments(3)
    members = [Stan(), Popular()]
    fused = RankFusion(members, softness=3.0, depth=6).fit(steps).recommend(at, 4)
    lists = [member.recommend(at, 6) for member in members]
    for row in range(len(at)):
        votes: dict[int, float] = {}
        for ranked in lists:
            for place, item in enumerate(ranked.item[row]):
                votes[int(item)] = votes.get(int(item), 0.0) + 1 / (3.0 + 1 + place)
        best = sorted(votes, key=lambda item: (-round(votes[item], 12), item))[:4]
        assert list(fused.item[row]) == best
        assert fused.score[row] == pytest.approx([votes[item] for item in best])


def test_best_and_fill_against_sorting() -> None:
    generator = np.random.default_rng(0)
    popular = np.array([3, 1, 0, 4, 2])
    for _ in range(50):
        dense = np.round(generator.random((6, 7)) * (generator.random((6, 7)) < 0.4), 1)
        seen = sparse.csr_array((generator.random((6, 7)) < 0.3).astype(float))
        free = dense * (seen.toarray() == 0)
        item, score = best_of(sparse.csr_array(free), 4)
        filled = fill_up(item, seen, popular)
        for row in range(6):
            best = sorted(np.flatnonzero(free[row]), key=lambda column: (-free[row, column], column))[:4]
            assert list(score[row][: len(best)]) == [free[row, column] for column in best]
            more = [one for one in popular if one not in best and not seen.toarray()[row, one]]
            expected = (best + more)[:4]
            assert list(filled[row]) == expected + [-1] * (4 - len(expected))

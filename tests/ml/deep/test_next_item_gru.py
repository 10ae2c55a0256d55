"""The network of what comes next: it learns order, repeats itself, and is not needed."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import ml.deep
from ml.deep import TorchMissing, has_torch, next_item_network
from ml.evaluation.enough import NotEnoughData
from ml.recommend.sessions.item_pairs import ItemCoView
from ml.recommend.sessions.next_item import judge, positions
from ml.recommend.sessions.steps import Contexts, Steps
from tests.ml.recommend.sessions.session_data import frame_of, steps_of

needs_torch = pytest.mark.skipif(not has_torch(), reason="torch is not installed (extra deep)")


def two_back(seed: int, sessions: int) -> Steps:
    """What comes next depends on the item before the last alone, so that no pair of neighbours tells it."""
    generator = np.random.default_rng(seed)
    walks = {}
    for number in range(sessions):
        walk = list(generator.integers(0, 12, 2))
        for _ in range(7):
            walk.append((walk[-2] * 5 + 3) % 12)
        walks[f"s{number:04d}"] = [f"i{one:02d}" for one in walk]
    return steps_of(walks, days_apart=0.01)


def test_without_torch_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ml.deep, "has_torch", lambda: False)
    with pytest.raises(TorchMissing, match=r"footfall\[deep\]"):
        next_item_network(1)


@needs_torch
def test_it_learns_what_only_the_order_says() -> None:
    training, test = two_back(0, 600), two_back(1, 60)
    at = positions(test, training)
    after_two = at.contexts.ends - at.contexts.starts >= 2
    network = judge(next_item_network(3).fit(training), at, training, k=3)
    pairs = judge(ItemCoView().fit(training), at, training, k=3)
    assert network.reciprocal[after_two].mean() > 0.9
    assert pairs.reciprocal[after_two].mean() < 0.7


@needs_torch
def test_the_same_seed_gives_the_same_lists_and_they_survive_storage() -> None:
    training = two_back(2, 120)
    contexts = Contexts.from_lists([["i01", "i02"], ["never met"], [], ["i03"] * 60])
    one, other = (next_item_network(7).fit(training) for _ in range(2))
    found = one.recommend(contexts, 6)
    for again in (other, pickle.loads(pickle.dumps(one))):
        ranked = again.recommend(contexts, 6)
        assert (ranked.item == found.item).all()
        assert ranked.score == pytest.approx(found.score, abs=1e-12)
    assert all(len(set(row)) == 6 for row in found.item)


@needs_torch
def test_edges() -> None:
    with pytest.raises(NotEnoughData):
        next_item_network(1).fit(Steps.from_frame(frame_of({"s": "a"}).iloc[:0]))
    for sessions in ({"s": "a"}, {"s": "b", "t": "a"}, {"один": ["咖啡杯", "كتاب"]}):
        steps = steps_of(sessions)
        ranked = next_item_network(1).fit(steps).recommend(Contexts.from_lists([["a"], ["x"], []]), 5)
        assert ((ranked.item >= 0).sum(axis=1) == len(steps.items)).all()
    assert ranked.items[ranked.item[0, 0]] in ("咖啡杯", "كتاب")


@needs_torch
def test_items_beyond_those_it_can_name_are_read_as_nothing() -> None:
    from ml.deep.next_item_gru import GruNextItem

    steps = steps_of({**{f"s{n}": "abab" for n in range(20)}, "rare": "za"})
    ranked = GruNextItem(most_items=2, epochs=3).fit(steps).recommend(Contexts.from_lists([["z"]]), 3)
    assert [str(ranked.items[one]) for one in ranked.item[0]][2] == "z" and ranked.score[0, 2] == 0

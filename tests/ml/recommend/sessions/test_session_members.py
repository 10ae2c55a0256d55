"""What every member must do whatever it knows: order, fill, edges."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.recommend.sessions.choose import candidates
from ml.recommend.sessions.fusion import RankFusion
from ml.recommend.sessions.model import NextItems
from ml.recommend.sessions.neighbours import Stan
from ml.recommend.sessions.next_item import positions
from ml.recommend.sessions.popularity import OwnItems, Popular, PopularInCategory
from ml.recommend.sessions.sequential_rules import SequentialRules
from ml.recommend.sessions.steps import Contexts, Steps
from tests.ml.recommend.sessions.session_data import frame_of, random_frame, steps_of

BUILD: dict[str, Callable[[], NextItems]] = {
    **{one.name: one.build for one in candidates()},
    "fusion": lambda: RankFusion([SequentialRules(), Stan()]),
}
every_member = pytest.mark.parametrize("build", BUILD.values(), ids=BUILD)


def ids(model: NextItems, *sessions: list[str], k: int = 5, filter_seen: bool = False) -> list[list[str]]:
    """Ids listed for sessions."""
    ranked = model.recommend(Contexts.from_lists(sessions), k, filter_seen=filter_seen)
    return [[str(ranked.items[one]) for one in row if one >= 0] for row in ranked.item]


@every_member
def test_lists_are_full_without_repeats_and_the_same_again(build: Callable[[], NextItems]) -> None:
    steps = Steps.from_frame(random_frame(2, sessions=80))
    at = positions(steps, steps).contexts
    model = build().fit(steps)
    ranked = model.recommend(at, 10)
    assert ranked.item.shape == (len(at), 10) and (ranked.item >= 0).all()
    assert all(len(set(row)) == 10 for row in ranked.item)
    assert (np.diff(ranked.score, axis=1) <= 0).all() and (ranked.score >= 0).all()
    again = pickle.loads(pickle.dumps(build().fit(steps))).recommend(at, 10)
    assert (ranked.item == again.item).all() and (ranked.score == again.score).all()
    # a context's list does not depend on who else asks
    alone = model.recommend(at.rows(slice(7, 8)), 10)
    assert (alone.item == ranked.item[7:8]).all()


@every_member
def test_what_is_seen_can_be_left_out(build: Callable[[], NextItems]) -> None:
    steps = Steps.from_frame(random_frame(3))
    at = positions(steps, steps).contexts
    ranked = build().fit(steps).recommend(at, 30, filter_seen=True)
    seen = at.seen(len(ranked.items)).toarray() > 0
    for row, known in zip(ranked.item, seen, strict=True):
        listed = row[row >= 0]
        assert not known[listed].any()
        # k is larger than the catalogue: all that is left is there, once
        assert set(listed) == set(np.flatnonzero(~known))


@every_member
def test_one_session_of_one_item(build: Callable[[], NextItems]) -> None:
    model = build().fit(steps_of({"s": "a"}))
    assert ids(model, ["a"], []) == [["a"], ["a"]]
    assert ids(model, ["a"], filter_seen=True) == [[]]


@every_member
def test_an_item_never_met_and_a_session_of_none(build: Callable[[], NextItems]) -> None:
    model = build().fit(steps_of({"s": "ab", "t": "ab", "u": "bc"}))
    for listed in ids(model, ["zzz"], [], filter_seen=True):
        assert listed[:1] == ["b"] and sorted(listed) == ["a", "b", "c"]
    assert len(ids(model, ["zzz", "a"])[0]) >= 3


@every_member
def test_sessions_of_length_one_alone_leave_what_is_popular(build: Callable[[], NextItems]) -> None:
    model = build().fit(steps_of({"s": "b", "t": "b", "u": "a", "v": "c"}))
    assert ids(model, ["c"], filter_seen=True) == [["b", "a"]]


@every_member
def test_ids_of_any_script(build: Callable[[], NextItems]) -> None:
    model = build().fit(steps_of({"один": ["咖啡杯", "كتاب"], "два": ["咖啡杯", "كتاب"], "три": ["Über", "咖啡杯"]}))
    assert ids(model, ["咖啡杯"], filter_seen=True)[0][0] == "كتاب"


@every_member
def test_no_sessions_is_not_enough_data_and_no_context_no_list(build: Callable[[], NextItems]) -> None:
    with pytest.raises(NotEnoughData, match="at least one that looked at or bought an item"):
        build().fit(Steps.from_frame(frame_of({"s": "a"}).iloc[:0]))
    model = build().fit(steps_of({"s": "ab"}))
    assert model.recommend(Contexts.from_lists([]), 4).item.shape == (0, 4)
    with pytest.raises(ValueError, match="k: expected at least 1, got 0"):
        model.recommend(Contexts.from_lists([["a"]]), 0)


@every_member
def test_ties_are_settled_by_id(build: Callable[[], NextItems]) -> None:
    model = build().fit(steps_of({"s": "mz", "t": "ma", "u": "mk", "v": "zm", "w": "am", "x": "km"}, days_apart=0))
    assert ids(model, ["m"], filter_seen=True) == [["a", "k", "z"]]


def test_a_list_reads_as_a_frame() -> None:
    model = Popular().fit(steps_of({"s": "ab", "t": "b"}))
    frame = model.recommend(Contexts.from_lists([["a"], ["b"]]), 5, filter_seen=True).frame()
    assert frame.to_dict("list") == {"context": [0, 1], "rank": [1, 1], "item": ["b", "a"], "score": [0.0, 0.0]}


def test_recent_is_of_the_newest_days_and_then_of_all() -> None:
    steps = steps_of({"s": "aaa", "t": "aab", "u": "cb", "v": "cb"}, days_apart=3)
    assert ids(Popular().fit(steps), []) == [["a", "b", "c"]]
    assert ids(Popular(days=4).fit(steps), []) == [["b", "c", "a"]]


def test_the_category_is_the_last_known_one() -> None:
    frame = frame_of({"s": "aabbc", "t": "ddde"})
    frame["category"] = frame["item"].map({"a": "red", "b": "red", "d": "blue", "e": "blue"})
    model = PopularInCategory().fit(Steps.from_frame(frame))
    assert ids(model, ["d", "b"], ["b", "d", "c"], ["c"]) == [
        ["a", "b", "d", "c", "e"],
        ["d", "e", "a", "b", "c"],
        ["d", "a", "b", "c", "e"],
    ]


def test_own_items_come_newest_first_even_if_nobody_met_them() -> None:
    model = OwnItems().fit(steps_of({"s": "abb"}))
    assert ids(model, ["new", "a", "newer", "a"]) == [["a", "newer", "new", "b"]]


def test_a_fusion_needs_members() -> None:
    with pytest.raises(ValueError, match="expected at least one model"):
        RankFusion([])

"""Sessions as sequences: order, ids, and what is known at a moment."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.recommend.sessions.steps import (
    CATEGORY,
    ITEM,
    KIND,
    SESSION,
    TIME,
    VISITOR,
    Contexts,
    Steps,
    decayed,
    session_items,
    without_repeats,
)
from tests.ml.recommend.sessions.session_data import frame_of, random_frame, steps_of


def test_steps_are_in_order_of_time_and_sessions_in_order_of_age() -> None:
    frame = frame_of({"late": "cab", "early": "b"}, days_apart=-2)
    steps = Steps.from_frame(frame.sample(frac=1, random_state=3))
    assert list(steps.sessions) == ["early", "late"]
    assert list(steps.items) == ["a", "b", "c"]
    assert [list(steps.items[steps.item[a:b]]) for a, b in zip(steps.starts, steps.starts[1:], strict=False)] == [
        ["b"],
        ["c", "a", "b"],
    ]
    assert (np.diff(steps.ended) > 0).all()


def test_steps_of_one_moment_keep_the_order_they_came_in() -> None:
    frame = frame_of({"s": "zay"}).assign(time=pd.Timestamp("2026-03-01"))
    assert list(Steps.from_frame(frame).item) == [2, 0, 1]


def test_what_happens_to_rows_in_another_order_of_sessions_is_nothing() -> None:
    frame = random_frame(1)
    shuffled = pd.concat([part for _, part in frame.groupby(SESSION, sort=False)][::-1])
    one, other = Steps.from_frame(frame), Steps.from_frame(shuffled)
    for name in ("items", "sessions", "starts", "item", "time", "bought", "category", "visitors"):
        assert (getattr(one, name) == getattr(other, name)).all(), name


def test_kinds_categories_and_visitors_are_read() -> None:
    frame = frame_of({"s": "aba", "t": "b"})
    frame[KIND] = ["view_item", "purchase", "view_item", "purchase"]
    frame[CATEGORY] = ["old", None, "new", None]
    frame[VISITOR] = ["v", "v", "v", "w"]
    steps = Steps.from_frame(frame)
    assert list(steps.bought) == [False, True, False, True]
    # the newest known one; of item b none is
    assert list(steps.category) == [0, -1]
    assert list(steps.visitors) == ["v", "w"]


def test_ids_may_be_of_any_script() -> None:
    steps = steps_of({"сессия": ["咖啡杯", "☕", "Über"], "عميل": ["咖啡杯"]})
    assert list(steps.items) == sorted(["咖啡杯", "☕", "Über"])
    contexts = Contexts.from_lists([["☕", "كتاب"], []])
    assert list(contexts.items[contexts.newest(3)[0][:2]]) == ["كتاب", "☕"]
    assert (contexts.newest(3)[1] == -1).all()


@pytest.mark.parametrize("column", [SESSION, ITEM, TIME])
def test_a_missing_or_empty_column_is_named(column: str) -> None:
    frame = frame_of({"s": "ab"})
    with pytest.raises(ValueError, match=f"expected a column {column}"):
        Steps.from_frame(frame.drop(columns=column))
    with pytest.raises(ValueError, match=rf"steps\.{column}: expected a value in every row, 1 are empty"):
        Steps.from_frame(frame.assign(**{column: frame[column].where([True, False])}))


def test_no_rows_are_no_steps() -> None:
    steps = Steps.from_frame(frame_of({"s": "ab"}).iloc[:0])
    assert len(steps) == len(steps.sessions) == len(steps.items) == 0
    assert list(steps.starts) == [0]


def test_sessions_can_be_chosen_and_items_of_the_others_are_forgotten() -> None:
    steps = steps_of({"s": "ab", "t": "cb", "u": "a"}).of_sessions(np.array([False, True, True]))
    assert list(steps.items[steps.item]) == ["c", "b", "a"]
    assert list(steps.starts) == [0, 2, 3]
    steps = steps.of_sessions(np.array([True, False]))
    assert list(steps.items) == ["b", "c"]


def test_contexts_say_what_was_newest_and_what_was_seen() -> None:
    contexts = Contexts.from_lists([list("abab"), list("c")])
    assert contexts.newest(3).tolist() == [[1, 0, 1], [2, -1, -1]]
    assert without_repeats(contexts.newest(3)).tolist() == [[1, 0, -1], [2, -1, -1]]
    assert contexts.seen(3).toarray().tolist() == [[1, 1, 0], [0, 0, 1]]
    # outside of the width is left out
    assert decayed(contexts, np.array([1.0, 0.5]), 2).toarray().tolist() == [[0.5, 1.0], [0.0, 0.0]]


def test_an_item_stands_once_in_a_session_at_its_last_place() -> None:
    steps = steps_of({"s": "abac", "t": "b"})
    session, item, place = session_items(steps, most=50)
    assert (session.tolist(), item.tolist(), place.tolist()) == ([0, 0, 0, 1], [1, 0, 2, 1], [1, 2, 3, 0])
    session, item, place = session_items(steps, most=2)
    assert (session.tolist(), item.tolist(), place.tolist()) == ([0, 0, 1], [0, 2, 1], [2, 3, 0])

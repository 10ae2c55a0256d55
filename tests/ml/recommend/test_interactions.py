"""Rows to matrix: what is summed, dropped, refused, and how events weigh."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.recommend.interactions import EVENT_WEIGHTS, Interactions, event_weights


def rows(*values: tuple) -> pd.DataFrame:
    return pd.DataFrame(list(values), columns=["user", "item", "weight"])


def test_duplicates_are_summed_and_what_is_not_above_zero_is_dropped():
    data = Interactions.from_frame(
        rows(("b", "y", 2.0), ("a", "x", 1.0), ("b", "y", 3.0), ("a", "y", 5.0), ("a", "y", -5.0), ("c", "x", -1.0))
    )
    assert list(data.users) == ["a", "b", "c"]
    assert list(data.items) == ["x", "y"]
    np.testing.assert_array_equal(data.matrix.toarray(), [[1, 0], [0, 5], [0, 0]])
    assert data.matrix.dtype == np.float32
    assert data.matrix.nnz == 2


def test_with_times_or_without_the_matrix_is_the_same():
    generator = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "user": generator.integers(0, 9, 300).astype(str),
            "item": generator.integers(0, 9, 300).astype(str),
            "weight": generator.choice([-1.0, 0.5, 2.0], 300),
        }
    )
    without = Interactions.from_frame(frame)
    timed = Interactions.from_frame(frame.assign(time=pd.Timestamp("2024-01-01")))
    expected = frame.pivot_table(index="user", columns="item", values="weight", aggfunc="sum", fill_value=0)
    for data in (without, timed):
        np.testing.assert_allclose(data.matrix.toarray(), np.maximum(expected.to_numpy(), 0))
        assert (data.matrix.data > 0).all()
        assert data.matrix.has_sorted_indices
    assert len(timed.times) == timed.matrix.nnz


def test_what_rounding_leaves_is_nothing():
    assert Interactions.from_frame(rows(("a", "x", 0.1), ("a", "x", 0.2), ("a", "x", -0.3))).matrix.nnz == 0


def test_newest_times_are_kept_for_the_pair_and_the_user():
    frame = rows(("a", "x", 1.0), ("a", "x", 1.0), ("a", "y", 1.0), ("b", "y", -1.0)).assign(
        time=pd.to_datetime(["2024-01-02", "2024-01-05", "2024-01-03", "2024-01-09"])
    )
    data = Interactions.from_frame(frame)
    newest = data.newest_of_user
    assert newest[0] == np.datetime64("2024-01-05")
    # what was dropped leaves no time
    assert np.isnat(newest[1])
    assert list(data.to_frame()["time"]) == [pd.Timestamp("2024-01-05"), pd.Timestamp("2024-01-03")]
    assert Interactions.from_frame(frame.drop(columns="time")).newest_of_user is None


def test_ids_that_have_no_row_are_there():
    data = Interactions.from_frame(rows(("a", "x", 1.0)), users=["新客"], items=["w", "x"])
    assert list(data.users) == ["a", "新客"]
    assert list(data.items) == ["w", "x"]
    assert list(data.rows_of(["新客", "nobody", "a"])) == [1, -1, 0]
    assert list(data.columns_of(["x", "?"])) == [1, -1]


def test_numbers_as_ids_become_text():
    data = Interactions.from_frame(pd.DataFrame({"user": [10, 9], "item": [1, 1]}))
    assert list(data.users) == ["10", "9"]


def test_a_frame_comes_back():
    frame = rows(("a", "x", 1.0), ("a", "y", 2.5), ("b", "x", 4.0))
    pd.testing.assert_frame_equal(
        Interactions.from_frame(frame).to_frame(), frame.astype({"weight": "float32"}), check_dtype=False
    )


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pd.DataFrame({"user": ["a"]}), "missing .'item'."),
        (rows(("a", None, 1.0)), "item: expected no missing id"),
        (rows(("a", "x", np.nan)), "weight: expected finite"),
        (rows(("a", "x", np.inf)), "weight: expected finite"),
        (rows(("a", "x", 1.0)).assign(time=pd.NaT), "time: expected no missing"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(frame, says):
    with pytest.raises(ValueError, match=says):
        Interactions.from_frame(frame)


def test_events_weigh_by_name_and_fade_by_half_lives():
    events = pd.Series(["view_item", "purchase", "login", "add_to_cart"])
    times = pd.Series(pd.to_datetime(["2024-01-31", "2024-01-01", "2024-01-31", "2024-01-16"]))
    assert list(event_weights(events)) == [1.0, 5.0, 0.0, 3.0]
    np.testing.assert_allclose(event_weights(events, times, half_life_days=15), [1.0, 1.25, 0.0, 1.5])
    now = pd.Timestamp("2024-01-16")
    # what lies after the moment asked about is no reason to count more than in full
    np.testing.assert_allclose(event_weights(events, times, half_life_days=15, now=now), [1.0, 2.5, 0.0, 3.0])
    order = ["view_item", "add_to_wishlist", "add_to_cart", "purchase"]
    assert sorted(order, key=EVENT_WEIGHTS.get) == order
    with pytest.raises(ValueError, match="half_life_days"):
        event_weights(events, half_life_days=15)

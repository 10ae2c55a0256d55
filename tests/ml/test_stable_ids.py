"""Segments keep their numbers while most of their customers stay; numbers are never used twice."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.segments.stable_ids import MIGRATION_COLUMNS, match_segments, migrations

CUSTOMERS = [f"c{n:03d}" for n in range(300)]
OLD = pd.Series([1] * 100 + [2] * 120 + [3] * 80, index=CUSTOMERS)


def labels(*sizes: int) -> np.ndarray:
    return np.repeat(np.arange(len(sizes)), sizes)


def test_the_first_run_counts_from_one():
    assert match_segments(CUSTOMERS, labels(100, 200), pd.Series(dtype="int64")) == [1, 2]


@settings(max_examples=100, deadline=None)
@given(st.permutations([0, 1, 2]))
def test_how_clusters_are_numbered_does_not_matter(order):
    shuffled = np.array(order)[labels(100, 120, 80)]
    ids = match_segments(CUSTOMERS, shuffled, OLD, 3)
    assert [ids[label] for label in shuffled] == OLD.tolist()


def test_some_customers_may_come_go_and_move():
    today = [*CUSTOMERS[20:], *(f"new{n}" for n in range(30))]
    assert match_segments(today, labels(70, 115, 125), OLD, 3) == [1, 2, 3]


def test_of_a_split_segment_the_greater_part_keeps_the_number():
    assert match_segments(CUSTOMERS, labels(30, 70, 120, 80), OLD, 3) == [4, 1, 2, 3]


def test_of_merged_segments_the_greater_gives_the_number():
    assert match_segments(CUSTOMERS, labels(220, 80), OLD, 3) == [2, 3]


def test_a_number_that_was_ever_used_is_not_used_again():
    assert match_segments(CUSTOMERS, labels(30, 70, 120, 80), OLD, 7) == [8, 1, 2, 3]


def test_other_customers_are_other_segments():
    strangers = [f"x{n}" for n in range(300)]
    assert match_segments(strangers, labels(150, 150), OLD, 3) == [4, 5]


def test_clusters_that_cut_across_the_old_ones_are_new_segments():
    # Each takes a third of each: at most 40 of 180 customers in common.
    assert match_segments(CUSTOMERS, np.arange(300) % 3, OLD, 3) == [4, 5, 6]


def run(day: dt.date, segments: dict[str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": list(segments),
            "as_of": day,
            "segment_id": list(segments.values()),
            "segment_name": [f"n{value}" for value in segments.values()],
            "segment_name_zh": [f"名{value}" for value in segments.values()],
        }
    )


def test_migrations_add_up_to_both_days():
    before = run(dt.date(2026, 3, 1), {"a": 1, "b": 1, "c": 2, "gone": 2})
    after = run(dt.date(2026, 3, 2), {"a": 1, "b": 3, "c": 3, "新客": 1})
    moved = migrations("s", before, after)
    assert list(moved) == list(MIGRATION_COLUMNS)
    rows = moved[["from_segment_id", "to_segment_id", "customers"]].astype(object)
    assert rows.where(rows.notna(), None).to_numpy().tolist() == [
        [None, 1, 1],
        [1, 1, 1],
        [1, 3, 1],
        [2, None, 1],
        [2, 3, 1],
    ]
    assert moved.groupby("to_segment_id")["customers"].sum().to_dict() == {1: 2, 3: 2}
    assert moved.groupby("from_segment_id")["customers"].sum().to_dict() == {1: 2, 2: 2}
    assert moved["to_segment_name_zh"].dropna().tolist() == ["名1", "名1", "名3", "名3"]
    assert set(moved["from_as_of"]) == {dt.date(2026, 3, 1)}


def test_nothing_to_compare_with_gives_no_rows():
    empty = migrations("s", run(dt.date(2026, 3, 1), {}), run(dt.date(2026, 3, 2), {"a": 1}))
    assert list(empty) == list(MIGRATION_COLUMNS)
    assert len(empty) == 0


@pytest.mark.parametrize("cut", [10, 49, 50, 51, 90])
def test_two_halves_never_share_a_number(cut):
    ids = match_segments(CUSTOMERS[:100], labels(cut, 100 - cut), OLD, 3)
    assert len(set(ids)) == 2

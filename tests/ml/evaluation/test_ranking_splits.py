"""Splits: what is held out, how much, and that a cut in time lets nothing later be learned from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.ranking.splits import (
    Split,
    back_tests,
    check_no_leak,
    global_time,
    leave_last_out,
    random_per_item,
    random_per_user,
)


def log(n: int = 600, seed: int = 1) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "user": generator.integers(0, 40, n).astype(str),
            "item": generator.zipf(1.5, n).clip(max=30).astype(str),
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 90 * 86400, n), "s"),
        }
    )


@pytest.mark.parametrize(("split", "column"), [(random_per_item, "item"), (random_per_user, "user")])
def test_random_splits_hold_out_a_share_of_each(split, column):
    rows = log()
    parts = split(rows, share=0.75, seed=7)
    assert sorted([*parts.train.index, *parts.test.index]) == list(rows.index)
    size = rows.groupby(column).size()
    learned = parts.train.groupby(column).size().reindex(size.index, fill_value=0)
    assert (learned == np.round(0.75 * size)).all()
    again, other = split(rows, share=0.75, seed=7), split(rows, share=0.75, seed=8)
    pd.testing.assert_frame_equal(parts.train, again.train)
    assert not parts.train.index.equals(other.train.index)


def test_leave_last_out_holds_the_newest_of_who_has_more():
    rows = pd.DataFrame(
        {
            "user": ["a", "a", "a", "b", "c", "c"],
            "item": ["x", "y", "z", "x", "y", "x"],
            "time": pd.to_datetime(
                ["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-09", "2024-01-05", "2024-01-05"]
            ),
        }
    )
    parts = leave_last_out(rows)
    # of one moment the greater item is last; b has nothing to learn from if its only row is taken
    assert list(parts.test.index) == [0, 4]
    assert list(parts.train.index) == [1, 2, 3, 5]
    with pytest.raises(ValueError, match="last"):
        leave_last_out(rows, last=0)


def test_cuts_in_time_learn_from_before_and_do_not_overlap():
    rows = log()
    splits = back_tests(rows, horizon=pd.Timedelta(7, "D"), times=3)
    assert len(splits) == 3
    for split in splits:
        check_no_leak(split)
        assert split.train["time"].max() < split.cut <= split.test["time"].min()
        assert split.test["time"].max() < split.cut + pd.Timedelta(7, "D")
    judged = [set(split.test.index) for split in splits]
    assert not judged[0] & judged[1] and not judged[1] & judged[2]
    assert rows["time"].max() == splits[-1].test["time"].max()


def test_too_short_a_history_is_not_enough():
    rows = log()
    with pytest.raises(NotEnoughData, match="history"):
        back_tests(rows, horizon=pd.Timedelta(40, "D"), times=3)
    gap = rows[(rows["time"] < "2024-03-01") | (rows["time"] > "2024-03-25")]
    with pytest.raises(NotEnoughData, match="each window"):
        back_tests(gap, horizon=pd.Timedelta(5, "D"), times=3)
    with pytest.raises(NotEnoughData):
        back_tests(rows.iloc[:0], horizon=pd.Timedelta(5, "D"))
    with pytest.raises(ValueError, match="after the cut"):
        global_time(rows, pd.Timestamp("2024-02-01"), until=pd.Timestamp("2024-02-01"))


def test_a_leak_is_found():
    rows = log()
    with pytest.raises(ValueError, match="both parts"):
        check_no_leak(Split("bad", rows, rows.iloc[:3]))
    with pytest.raises(ValueError, match="before 2024-02-01"):
        check_no_leak(Split("bad", rows.iloc[5:], rows.iloc[:3], pd.Timestamp("2024-02-01")))


def test_repeats_are_told_from_what_is_new():
    train = pd.DataFrame({"user": ["a", "a", "b"], "item": ["x", "x", "y"]})
    test = pd.DataFrame({"user": ["a", "a", "b", "c"], "item": ["x", "y", "y", "x"]}, index=[7, 8, 9, 10])
    split = Split("by hand", train, test)
    assert split.repeat_share() == 0.5
    assert list(split.new_to_user().test.index) == [8, 10]
    assert list(split.again_to_user().test.index) == [7, 9]
    assert list(split.of_known_users().test.index) == [7, 8, 9]
    assert np.isnan(Split("none", train, test.iloc[:0]).repeat_share())


def test_what_a_split_needs_is_said():
    rows = log()
    with pytest.raises(ValueError, match="time"):
        global_time(rows.drop(columns="time"), pd.Timestamp("2024-02-01"))
    with pytest.raises(ValueError, match="index"):
        random_per_item(pd.concat([rows, rows]))
    with pytest.raises(ValueError, match="share"):
        random_per_user(rows, share=1.0)

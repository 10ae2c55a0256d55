"""A report of one model's lists: figures, groups, and rows that ``ml.evaluation`` takes, where there is nothing too."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from ml.evaluation.ranking.report import judge
from ml.evaluation.ranking.splits import Split
from ml.evaluation.results import Subject, evaluation_frame

TRAIN = pd.DataFrame({"user": list("aabbc"), "item": list("xyxzx")})
TEST = pd.DataFrame({"user": list("abd"), "item": list("zyx")}, index=[10, 11, 12])
LISTS = pd.DataFrame({"user": list("aab"), "item": list("zwy"), "rank": [1, 2, 1], "score": [2.0, 1.0, 1.0]})
SUBJECT = Subject("recommend", "shop", dt.date(2024, 1, 1), "model", 42, "v1")


def test_figures_and_rows():
    report = judge(LISTS, Split("by hand", TRAIN, TEST), k=2, n_items=4, seconds=0.5)
    figures = report.figures()
    assert figures["recall"] == pytest.approx(2 / 3)
    assert figures["served"] == pytest.approx(2 / 3)
    assert figures["coverage"] == pytest.approx(3 / 4)
    assert figures["seconds"] == 0.5
    frame = evaluation_frame(report.rows(SUBJECT)).set_index("metric")
    assert frame.loc["recall@2", "value"] == pytest.approx(2 / 3)
    assert frame.loc["recall@2", "ci_low"] <= frame.loc["recall@2", "value"] <= frame.loc["recall@2", "ci_high"]
    assert frame.loc["recall@2", "n"] == 3
    # nobody has ten items yet, so that there are no regulars: a figure that is not known, and not 0
    assert pd.isna(frame.loc["recall@2/regular", "value"]) and frame.loc["recall@2/regular", "n"] == 0
    assert frame.loc["recall@2/newcomer", "n"] == 3
    assert "by hand" in frame.loc["ndcg@2", "detail"]


@pytest.mark.parametrize("lists", [LISTS.iloc[:0], LISTS])
@pytest.mark.parametrize("test", [TEST.iloc[:0], TEST])
@pytest.mark.parametrize("train", [TRAIN.iloc[:0], TRAIN])
def test_where_there_is_nothing_figures_are_missing_or_zero(lists, test, train):
    report = judge(lists, Split("by hand", train, test), k=2, n_items=4)
    frame = evaluation_frame(report.rows(SUBJECT)).set_index("metric")
    if test.empty:
        assert pd.isna(frame.loc["ndcg@2", "value"])
        assert frame.loc["served", "value"] == 0
    elif lists.empty:
        assert frame.loc["ndcg@2", "value"] == 0
        assert pd.isna(frame.loc["coverage@2", "value"])
    else:
        assert frame.loc["ndcg@2", "value"] > 0

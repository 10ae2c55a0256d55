"""Purchase intent on UCI Online Shoppers: the shipped classifiers, five-fold and by time.

PageValues is the value of the pages that a session saw, worked out from who bought after them: alone it ranks .98 in
March and .79 in November. So all is stated without it as well, which is what a session's own behaviour tells.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from ml.evaluation.origins import Origin
from ml.learners.backtest import CUSTOMER, backtest
from ml.learners.candidates import Candidate, classifiers
from tests.real.online_shoppers import CATEGORICAL, NUMERIC, Shoppers, five_fold, later_months, read_shoppers

pytestmark = pytest.mark.real
WITHOUT_PAGE_VALUES = tuple(name for name in NUMERIC if name != "PageValues")


@pytest.fixture(scope="module")
def shoppers() -> Shoppers:
    return read_shoppers()


def candidate(name: str) -> Candidate:
    return next(one for one in classifiers() if one.name == name)


def test_the_file_is_as_published(shoppers: Shoppers) -> None:
    assert (len(shoppers.y), shoppers.y.sum(), shoppers.late.sum()) == (12_330, 1_908, 4_725)
    assert not shoppers.frame.isna().any().any()


def test_the_blend_reaches_both_targets(shoppers: Shoppers) -> None:
    """.933 (.927 to .938) five-fold, .841 (.826 to .857) on November and December when this was written."""
    folds, late = five_fold(shoppers, candidate("blend")), later_months(shoppers, candidate("blend"))
    print(f"blend: five-fold {folds}, Nov-Dec {late}")
    assert folds.value >= 0.932
    assert late.value >= 0.835
    assert folds.low < folds.value < folds.high and folds.high - folds.low < 0.02


def test_boosting_is_best_on_the_same_months_and_keeps_less_later(shoppers: Shoppers) -> None:
    """.935 (.930 to .940) and .835 (.820 to .853); other seeds give .834 to .835 by time."""
    folds, late = (
        five_fold(shoppers, candidate("gradient_boosting")),
        later_months(shoppers, candidate("gradient_boosting")),
    )
    print(f"boosting: five-fold {folds}, Nov-Dec {late}")
    assert folds.value >= 0.932
    assert late.value >= 0.83


def test_without_page_values_a_session_says_much_less(shoppers: Shoppers) -> None:
    """Boosting .784 (.774 to .793) five-fold; the blend .708 (.690 to .724) on November and December."""
    boosting = five_fold(shoppers, candidate("gradient_boosting"), WITHOUT_PAGE_VALUES)
    late = later_months(shoppers, candidate("blend"), WITHOUT_PAGE_VALUES)
    print(f"without PageValues: boosting five-fold {boosting}, blend Nov-Dec {late}")
    assert boosting.low > 0.77 and boosting.high < 0.80
    assert late.low > 0.68 and late.high < 0.73


@pytest.mark.long
def test_every_member_by_both_protocols(shoppers: Shoppers) -> None:
    """All members, and whom the contest by time lets serve: nobody simpler than who measures best beyond doubt."""
    figures = {}
    for one in classifiers():
        figures[one.name] = (five_fold(shoppers, one), later_months(shoppers, one))
        print(one.name, *figures[one.name])
        assert figures[one.name][0].value > 0.88 and figures[one.name][1].value > 0.75
    frame = shoppers.frame.assign(**{CUSTOMER: np.arange(len(shoppers.y)).astype(str)})
    origins = [
        Origin(dt.date(2017, 2, 1), frame[~shoppers.late].reset_index(drop=True), shoppers.y[~shoppers.late]),
        Origin(dt.date(2017, 11, 1), frame[shoppers.late].reset_index(drop=True), shoppers.y[shoppers.late]),
    ]
    found = backtest(origins, 273, classifiers(), NUMERIC, CATEGORICAL, tests=1, metric="auc")
    print(found.verdict.reason, found.verdict.leader)
    assert not found.failed
    served = figures[found.winner][1]
    assert served.value >= 0.835

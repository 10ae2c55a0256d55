"""Which popularity serves strangers: what strangers chose, whatever known people like."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.recommend.candidates import popularity_candidates
from ml.recommend.interactions import ITEM, TIME, USER, Interactions
from ml.recommend.newcomer_choice import NewcomerChoice, choose_for_newcomers

HORIZON = pd.Timedelta(7, "D")
DAYS = 70


def shop(seed: int = 5) -> pd.DataFrame:
    """Twenty-five regulars take the item of the week, again and again; five new people a day take a classic."""
    random = np.random.default_rng(seed)
    rows = []
    for day in range(DAYS):
        week = day // 7
        for person in range(25):
            rows += [(f"regular{person}", f"week{week}-{number}", day + number / 50) for number in range(5)]
        for person in range(5):
            for item in random.choice(12, 3, replace=False):
                rows.append((f"new{day}-{person}", f"classic{item}", day + 0.5))
    frame = pd.DataFrame(rows, columns=[USER, ITEM, "day"])
    frame[TIME] = pd.Timestamp("2026-01-01") + pd.to_timedelta(frame.pop("day"), unit="D")
    return frame.sort_values(TIME, ignore_index=True)


def chosen(rows: pd.DataFrame, **options: int) -> NewcomerChoice | None:
    return choose_for_newcomers(rows, popularity_candidates(Interactions.from_frame(rows)), horizon=HORIZON, **options)


def test_strangers_are_asked_not_regulars() -> None:
    found = chosen(shop())
    assert found is not None
    assert found.n == 3 * 7 * 5
    values = {name: figure.value for name, figure in found.ndcg.items()}
    assert found.winner == max(values, key=lambda name: values[name])
    # the regulars' week fills the short windows: five of their items lead any list of the last week
    assert found.winner in ("popular", "popular_30_days")
    assert values[found.winner] > values["popular_7_days"] + 0.1


def test_a_stranger_is_one_of_whom_the_cut_knows_nothing() -> None:
    """The same shop where the newcomers of the last three weeks had been there once before."""
    rows = shop()
    late = rows[rows[USER].str.startswith("new") & (rows[TIME] >= rows[TIME].max() - 3 * HORIZON)]
    before = late.drop_duplicates(USER).assign(**{TIME: pd.Timestamp("2026-01-02"), ITEM: "classic0"})
    assert chosen(pd.concat([before, rows], ignore_index=True)) is None


def test_too_few_strangers_and_too_short_a_history_choose_nothing() -> None:
    rows = shop()
    assert chosen(rows, fewest=1000) is None
    assert chosen(rows[rows[TIME] < rows[TIME].min() + pd.Timedelta(3, "D")]) is None
    shorter = rows[rows[TIME] < rows[TIME].min() + pd.Timedelta(12, "D")]
    found = chosen(shorter)
    # one cut is all that twelve days have
    assert found is not None and found.n == 7 * 5


def test_texts_and_numbers_as_ids() -> None:
    rows = shop()
    numbered = rows.assign(**{USER: pd.factorize(rows[USER])[0], ITEM: pd.factorize(rows[ITEM])[0]})
    one, other = chosen(rows), chosen(numbered)
    assert one is not None and other is not None
    assert one.n == other.n

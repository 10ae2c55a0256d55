"""Next-item evaluation: which positions, what a hit is, and intervals over sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate
from ml.recommend.sessions.item_pairs import ItemCoView
from ml.recommend.sessions.model import Ranked
from ml.recommend.sessions.next_item import (
    Hits,
    SessionResamples,
    describe,
    figures,
    gain,
    judge,
    positions,
    table,
)
from ml.recommend.sessions.popularity import OwnItems, Popular
from ml.recommend.sessions.steps import ITEM, KIND, VISITOR, Contexts, Steps
from tests.ml.recommend.sessions.session_data import as_lists, frame_of, random_frame, steps_of


def test_every_step_but_the_first_is_a_position_with_the_steps_before_it() -> None:
    training = steps_of({"old": "abc"})
    at = positions(steps_of({"s": "abax", "t": "b", "u": "cc"}), training)
    known = [
        [str(at.contexts.items[one]) for one in at.contexts.flat[a:b]] for a, b in zip(*ends(at.contexts), strict=True)
    ]
    assert known == [["a"], ["a", "b"], ["a", "b", "a"], ["c"]]
    assert list(at.contexts.items[at.target]) == ["b", "a", "x", "c"]
    assert list(at.repeats) == [False, True, False, True]
    assert list(at.known) == [True, True, False, True]
    assert len(set(at.session)) == 2 and at.newcomer is None
    # what is known is as old as the newest step before
    assert (np.diff(at.contexts.at)[:2] == 60_000_000).all()


def ends(contexts: Contexts) -> tuple[np.ndarray, np.ndarray]:
    return contexts.starts, contexts.ends


def test_positions_can_be_purchases_alone_and_visitors_newcomers() -> None:
    frame = frame_of({"s": "aba", "t": "ba"})
    frame[KIND] = ["purchase", "view_item", "purchase", "view_item", "purchase"]
    frame[VISITOR] = ["known"] * 3 + ["stranger"] * 2
    training = frame_of({"old": "a"})
    training[VISITOR] = "known"
    test = Steps.from_frame(frame)
    at = positions(test, Steps.from_frame(training), wanted=test.bought)
    assert list(at.contexts.items[at.target]) == ["a", "a"]
    assert at.newcomer is not None and list(at.newcomer) == [False, True]
    assert list(at.known) == [True, True]


def test_sessions_of_one_step_have_nothing_to_judge_by() -> None:
    with pytest.raises(NotEnoughData, match="one with a second item, found 2 without"):
        positions(steps_of({"s": "a", "t": "b"}), steps_of({"old": "ab"}))


@pytest.mark.parametrize("filter_seen", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_ranks_rates_and_coverage_against_plain_python(seed: int, filter_seen: bool) -> None:
    training, test = Steps.from_frame(random_frame(seed, items=9)), random_frame(seed + 50, items=14, sessions=25)
    at = positions(Steps.from_frame(test), training)
    model = ItemCoView().fit(training)
    hits = judge(model, at, training, k=4, filter_seen=filter_seen)
    ranks, shown = [], set()
    # positions are in order of the sessions' age, and these sessions begin in order of their ids
    for session in as_lists(test).values():
        for step in range(1, len(session)):
            ranked = model.recommend(Contexts.from_lists([session[:step]]), 4, filter_seen=filter_seen)
            listed = [str(ranked.items[one]) for one in ranked.item[0] if one >= 0]
            shown |= set(listed)
            ranks.append(listed.index(session[step]) + 1 if session[step] in listed else 0)
    ages = np.argsort([test.loc[test["session"] == one, "time"].max() for one in as_lists(test)], kind="stable")
    lengths = [len(session) - 1 for session in as_lists(test).values()]
    parts = np.split(np.array(ranks), np.cumsum(lengths)[:-1])
    assert list(hits.rank) == list(np.concatenate([parts[age] for age in ages]))
    assert hits.hit.mean() == pytest.approx(np.mean([rank > 0 for rank in ranks]))
    assert hits.reciprocal.mean() == pytest.approx(np.mean([1 / rank if rank else 0 for rank in ranks]))
    assert hits.coverage == pytest.approx(len(shown & set(training.items)) / len(training.items))


def test_intervals_are_over_sessions() -> None:
    """Ten positions that stand and fall together are one observation, not ten."""
    generator = np.random.default_rng(5)
    luck = (generator.random(60) < 0.4).astype(float)
    together = SessionResamples(np.repeat(np.arange(60), 10)).mean(np.repeat(luck, 10))
    sessions, alone = (
        SessionResamples(np.arange(60)).mean(luck),
        SessionResamples(np.arange(600)).mean(np.repeat(luck, 10)),
    )
    assert together is not None and sessions is not None and alone is not None
    assert together.value == sessions.value == alone.value == pytest.approx(luck.mean())
    assert (together.low, together.high) == pytest.approx((sessions.low, sessions.high))
    assert together.high - together.low > 2.5 * (alone.high - alone.low)
    # about what the binomial says
    assert together.high - together.low == pytest.approx(2 * 1.96 * np.sqrt(0.4 * 0.6 / 60), rel=0.25)


def test_a_mean_is_over_positions_and_may_be_of_some() -> None:
    resamples = SessionResamples(np.array([7, 7, 7, 9]))
    values = np.array([1.0, 0.0, 1.0, 0.0])
    everything = resamples.mean(values)
    assert everything is not None and everything.value == 0.5 and everything.n == 4
    # sessions of different length: resamples of the long one alone, the short one alone, and both
    assert (everything.low, everything.high) == (0.0, pytest.approx(2 / 3))
    some = resamples.mean(values, np.array([True, True, False, False]))
    assert some == Estimate(0.5, 0.5, 0.5, 2)
    assert resamples.mean(values, np.zeros(4, dtype=bool)) is None


def test_a_paired_gain_is_narrower_than_its_parts() -> None:
    generator = np.random.default_rng(2)
    easy = np.where(generator.random(400) < 0.5, 1, 0)
    better = Hits(np.where(generator.random(400) < 0.05, 1, easy), 20, 1.0, 0.0)
    plain = Hits(easy, 20, 1.0, 0.0)
    resamples = SessionResamples(np.arange(400) // 2)
    found, part = gain(better, plain, resamples), resamples.mean(better.reciprocal)
    assert found is not None and part is not None
    assert found.low > 0 and found.high - found.low < 0.5 * (part.high - part.low)
    assert gain(plain, plain, resamples, metric="hr") == Estimate(0.0, 0.0, 0.0, 400)
    with pytest.raises(ValueError, match="expected mrr or hr, got ndcg"):
        gain(better, plain, resamples, metric="ndcg")


def test_figures_tell_repeats_from_new_items_and_newcomers_from_regulars() -> None:
    frame = frame_of({"s": "abab", "t": "acx"})
    frame[VISITOR] = ["known"] * 4 + ["stranger"] * 3
    past = frame_of({"old": "aabc"})
    past[VISITOR] = "known"
    training = Steps.from_frame(past)
    at = positions(Steps.from_frame(frame), training)
    resamples = SessionResamples(at.session)
    found = figures(at, judge(OwnItems().fit(training), at, training, k=2), resamples)
    values = {name: one.value if isinstance(one, Estimate) else one for name, one in found.items() if name != "seconds"}
    assert values == pytest.approx(
        {
            "hr@2": 3 / 5,  # b and a again, and b, filled up behind a
            "mrr@2": (0.5 + 0.5 + 0.5) / 5,
            "hr@2_repeats": 1.0,
            "hr@2_new": 1 / 3,
            "hr@2_after_first": 1 / 2,
            "hr@2_newcomers": 0.0,
            "hr@2_regulars": 1.0,
            "coverage@2": 1.0,
        }
    )
    told = describe(at, resamples)
    assert {name: one and one.value for name, one in told.items()} == pytest.approx(
        {"repeat_share": 2 / 5, "unknown_item_share": 1 / 5, "newcomer_share": 2 / 5}
    )


def test_a_new_item_cannot_be_hit_by_a_list_that_never_met_it() -> None:
    training = steps_of({"old": "ab"})
    at = positions(steps_of({"s": "zz"}), training)
    assert list(judge(Popular().fit(training), at, training).rank) == [0]
    # but the session itself has met it by then
    assert list(judge(OwnItems().fit(training), at, training).rank) == [1]


def test_a_table_to_read() -> None:
    shown = table({"one": {"hr@20": Estimate(0.5, 0.4, 0.6, 9), "coverage@20": 0.25, "hr@20_new": None}})
    assert shown.loc["one"].to_dict() == {"hr@20": "0.500 (0.400 to 0.600)", "coverage@20": "0.250", "hr@20_new": ""}


def test_lists_shorter_than_k_are_no_hits_by_accident() -> None:
    class Nothing:
        name = "nothing"

        def fit(self, steps: Steps) -> Nothing:
            return self

        def recommend(self, contexts: Contexts, k: int, *, filter_seen: bool = False) -> Ranked:
            return Ranked(contexts.items, np.full((len(contexts), k), -1), np.zeros((len(contexts), k)))

    training = steps_of({"old": "ab"})
    at = positions(steps_of({"s": "abzb"}), training)
    hits = judge(Nothing(), at, training)
    assert hits.rank.sum() == 0 and hits.coverage == 0


def test_evaluation_does_not_depend_on_the_order_of_rows() -> None:
    training, frame = Steps.from_frame(random_frame(1)), random_frame(2)
    shuffled = pd.concat([part for _, part in frame.groupby("session")][::-1])
    found = []
    for one in (frame, shuffled):
        at = positions(Steps.from_frame(one), training)
        hits = judge(ItemCoView().fit(training), at, training)
        found.append(SessionResamples(at.session).mean(hits.reciprocal))
    assert found[0] == found[1]
    assert frame[ITEM].nunique() > 5

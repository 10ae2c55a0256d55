"""Which session model serves: planted shops where the answer is known."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest

import ml.recommend.sessions.choose as choosing
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate
from ml.evaluation.results import Subject, evaluation_frame
from ml.recommend.sessions.choose import Candidate, candidates, choose, evaluation_rows, split
from ml.recommend.sessions.item_pairs import ItemCoView
from ml.recommend.sessions.model import NextItems
from ml.recommend.sessions.neighbours import Stan
from ml.recommend.sessions.popularity import Popular
from ml.recommend.sessions.sequential_rules import SequentialRules
from ml.recommend.sessions.steps import Contexts, Steps
from tests.ml.recommend.sessions.session_data import frame_of, steps_of

FEW = tuple(one for one in candidates() if one.name in ("popular", "item_co_view", "sequential_rules", "stan"))


def chains(seed: int = 0, sessions: int = 400, hours: float = 1.7) -> Steps:
    """Sessions that walk a ring of 30 items forwards, with jumps: what is next depends on where one came from, and
    items before and after are looked at together as often."""
    generator = np.random.default_rng(seed)
    walks = {}
    for number in range(sessions):
        at, walk = int(generator.integers(30)), []
        for _ in range(int(generator.integers(2, 9))):
            walk.append(f"i{at:02d}")
            at = (at + 1) % 30 if generator.random() < 0.7 else int(generator.integers(30))
        walks[f"s{number:04d}"] = walk
    return steps_of(walks, days_apart=hours / 24)


def noise(seed: int = 0, sessions: int = 300) -> Steps:
    """Sessions of items drawn without any order, some more popular."""
    generator = np.random.default_rng(seed)
    chance = np.linspace(3, 1, 25) / np.linspace(3, 1, 25).sum()
    return steps_of(
        {
            f"s{number:04d}": [
                f"i{one:02d}" for one in generator.choice(25, generator.integers(2, 7), p=chance, replace=False)
            ]
            for number in range(sessions)
        },
        days_apart=0.08,
    )


def test_where_order_matters_rules_beat_co_view_beyond_doubt() -> None:
    found = choose(chains(), among=FEW)
    assert found.winner in ("sequential_rules", "fusion")
    over = found.gain(found.winner)
    assert over is not None and over.low > 0.1
    assert found.verdict.gains["item_co_view"].low > 0
    assert set(found.fused) == {"sequential_rules", "stan"}
    # what is chosen can be fitted on everything, and knows what follows
    ranked = found.build().fit(chains()).recommend(Contexts.from_lists([["i07", "i08"]]), 1)
    assert ranked.items[ranked.item[0, 0]] == "i09"


def test_where_nothing_is_to_be_learned_a_naive_member_serves() -> None:
    found = choose(noise())
    assert {one.name: one.simplicity for one in candidates()}[found.winner] == 0
    assert "baseline" in found.verdict.reason


def test_the_same_seed_chooses_the_same() -> None:
    one, other = choose(chains(3), among=FEW), choose(chains(3), among=FEW)
    assert one.verdict == other.verdict and one.fused == other.fused
    assert all((one.hits[name].rank == other.hits[name].rank).all() for name in one.hits)


def test_only_what_was_over_is_learned_and_only_what_began_later_is_judged() -> None:
    steps = chains(1)
    training, test = split(steps, 7)
    cut = steps.time.max() - 7 * 86_400_000_000
    assert training.time.max() <= cut < test.time.min()
    # b lasts 1,400 minutes, and the newest day begins in the middle of it
    before, after = split(steps_of({"a": "xy", "b": "xy" * 700, "c": "x", "d": "xy"}, days_apart=0.6), 1)
    assert (list(before.sessions), list(after.sessions)) == (["a"], ["c", "d"])


def test_too_little_history_says_what_is_missing() -> None:
    with pytest.raises(NotEnoughData, match="sessions of 7 days, and of the days before them, found none"):
        choose(Steps.from_frame(frame_of({"s": "a"}).iloc[:0]))
    with pytest.raises(NotEnoughData, match=r"sessions more than 7 days back: needed one with a second item, found 0"):
        choose(steps_of({"s": "ab", "t": "ab"}))
    with pytest.raises(NotEnoughData, match=r"sessions of the newest 7 days: .* found 2 without"):
        choose(steps_of({"s": "ab", "t": "a", "u": "b"}, days_apart=6))


def test_a_shop_too_young_to_settle_which_two_are_fused_goes_without() -> None:
    found = choose(chains(sessions=120, hours=1.7), among=FEW)
    assert found.fused == () and "fusion" not in found.hits


def test_two_of_one_family_are_not_fused() -> None:
    one = Candidate("one", 1, SequentialRules, "rules")
    twin = Candidate("twin", 1, lambda: SequentialRules(reach=9), "rules")
    other = Candidate("other", 4, Stan, "stan")
    naive = Candidate("item_co_view", 0, ItemCoView)
    assert "other" in choose(chains(), among=(naive, one, twin, other)).fused
    assert choose(chains(), among=(naive, one, twin)).fused == ()


def test_lists_without_repeats_are_judged_on_what_is_new() -> None:
    """Every session looks at an item of its own again and again, and then at two neighbours on a ring."""
    first = np.random.default_rng(0).integers(0, 20, 300)
    steps = steps_of(
        {f"s{n:03d}": [f"own-{n}"] * 6 + [f"i{one:02d}", f"i{(one + 1) % 20:02d}"] for n, one in enumerate(first)}, 0.1
    )
    two = tuple(one for one in candidates() if one.name in ("own_items", "sequential_rules"))
    repeating, new = choose(steps, among=two), choose(steps, among=two, filter_seen=True)
    assert (repeating.winner, new.winner) == ("own_items", "sequential_rules")
    assert repeating.at.repeats.mean() == pytest.approx(5 / 7) and not new.at.repeats.any()
    assert new.hits["sequential_rules"].reciprocal[1::2].mean() > 0.9
    with pytest.raises(NotEnoughData, match="one that goes on to a new item"):
        choose(steps_of({"s": "aa", "t": "aa", "u": "aa"}, 8), among=two, filter_seen=True)


def test_a_champion_that_is_as_good_stays() -> None:
    steps = chains(5)
    first = choose(steps, among=FEW)
    assert choose(steps, among=FEW, champion=first.winner).winner == first.winner
    assert choose(steps, among=FEW, champion="popular").winner == first.winner


def test_in_a_large_shop_a_seeded_sample_of_sessions_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "JUDGED_SESSIONS", 40)
    found = choose(chains(), among=FEW)
    assert len(np.unique(found.at.session)) == 40
    again = choose(chains(), among=FEW)
    assert (again.at.target == found.at.target).all()


class Oracle(Popular):
    """Knows what follows in ``chains``, jumps apart."""

    name = "gru_next_item"

    def recommend(self, contexts: Contexts, k: int, *, filter_seen: bool = False):  # type: ignore[no-untyped-def]
        ranked = super().recommend(contexts, k, filter_seen=filter_seen)
        last = [int(str(contexts.items[one])[1:]) for one in contexts.newest(1)[:, 0]]
        ranked.item[:, 0] = [list(ranked.items).index(f"i{(one + 1) % 30:02d}") for one in last]
        return ranked


@pytest.mark.parametrize(("network", "serves"), [(Oracle, True), (Popular, False)])
def test_a_network_serves_only_if_it_beats_the_winner(
    network: type[NextItems], serves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "has_torch", lambda: True)
    monkeypatch.setattr(choosing, "next_item_network", lambda seed: network())
    naive = tuple(one for one in FEW if one.simplicity == 0)
    found = choose(chains(), among=naive, with_neural=True)
    assert (found.winner == "gru_next_item") is serves
    assert ("beats item_co_view by" in found.verdict.reason) is serves
    assert "gru_next_item" in found.hits
    assert isinstance(found.build(), network if serves else ItemCoView)
    assert "gru_next_item" not in choose(chains(), among=naive).hits


def test_rows_of_the_evaluation_table() -> None:
    found = choose(chains(), among=FEW)
    shop = Subject("next_item", "shop", dt.date(2026, 4, 1), "", 42, "v1")
    frame = evaluation_frame(evaluation_rows(found, shop))
    assert set(frame["model"]) == {"positions", "popular", "item_co_view", "sequential_rules", "stan", "fusion"}
    rows = frame.set_index(["model", "metric"])
    expected = found.figures["stan"]["mrr@20"]
    assert isinstance(expected, Estimate)
    row = rows.loc[("stan", "mrr@20")]
    assert (row["value"], row["ci_low"], row["n"]) == pytest.approx((expected.value, expected.low, len(found.at)))
    over = rows.loc[(found.winner, "mrr@20_gain")]
    assert over["ci_low"] > 0 and json.loads(over["detail"]) == {"over": "item_co_view"}
    assert ("item_co_view", "mrr@20_gain") not in rows.index
    chosen = {model for (model, metric), row in rows.iterrows() if json.loads(row["detail"]).get("chosen")}
    assert chosen == {found.winner}
    assert rows.loc[("positions", "repeat_share"), "value"] == pytest.approx(found.at.repeats.mean())

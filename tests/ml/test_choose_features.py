"""Which features: most segments that pass, the fewest features on a tie, RFM where nothing passes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ml.segments.choose_features import choose_features


def clustering(name: str, features: int, k: int, passes: bool = True) -> SimpleNamespace:
    columns = tuple(f"f{n}" for n in range(features))
    return SimpleNamespace(
        space=SimpleNamespace(name=name, columns_=columns), segmenter=SimpleNamespace(k_=k), passes=passes
    )


@pytest.mark.parametrize(
    ("simple", "wide", "taken"),
    [
        ((4, True), (6, True), "wide"),
        ((6, True), (4, True), "simple"),
        ((5, True), (5, True), "simple"),
        ((2, False), (3, True), "wide"),
        ((2, True), (9, False), "simple"),
        ((2, False), (9, False), "simple"),
    ],
)
def test_most_segments_that_pass_then_fewest_features(simple, wide, taken):
    one, other = clustering("simple", 3, *simple), clustering("wide", 7, *wide)
    for order in ((one, other), (other, one)):
        choice = choose_features(order)
        assert choice.best.space.name == taken
        assert [compared.space.name for compared in choice.compared] == ["simple", "wide"]


def test_the_reason_says_what_each_set_found():
    reason = choose_features([clustering("rfm", 3, 5), clustering("wide", 7, 6, passes=False)]).reason
    assert reason.endswith("(rfm 5, wide none)")


@pytest.mark.parametrize(
    ("habits", "rfm", "wide", "taken"),
    [
        ((3, True), (4, True), (6, True), "habits"),
        ((2, True), (4, True), (6, True), "wide"),
        ((2, True), (2, True), (2, False), "rfm"),
        ((4, False), (3, True), (2, True), "rfm"),
        ((2, True), (4, False), (6, False), "habits"),
        ((3, False), (4, False), (6, False), "rfm"),
    ],
)
def test_habits_come_first_where_they_show_kinds(habits, rfm, wide, taken):
    every = [clustering("habits", 3, *habits), clustering("wide", 7, *wide), clustering("rfm", 3, *rfm)]
    for order in (every, every[::-1]):
        assert choose_features(order).best.space.name == taken

"""Drift is a change of the customers, and not that a sample is small."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.drift import drift, profile


@pytest.mark.parametrize("n", [100, 3_000])
@pytest.mark.parametrize("kind", ["normal", "counts", "categories"])
def test_a_feature_that_did_not_change_hardly_ever_raises_an_alarm(n: int, kind: str) -> None:
    generator = np.random.default_rng(n)
    draw = {
        "normal": lambda: generator.normal(size=n),
        "counts": lambda: generator.poisson(0.7, n).astype(float),
        "categories": lambda: generator.choice(list("甲乙cdefghijklm"), n),
    }[kind]
    levels = [drift(profile(pd.Series(draw(), name="x")), pd.Series(draw())).level for _ in range(300)]
    assert levels.count("none") >= 295


@pytest.mark.parametrize("n", [100, 3_000])
def test_a_planted_shift_is_found(n: int) -> None:
    generator = np.random.default_rng(1)
    before = profile(pd.Series(generator.normal(size=n), name="x"))
    assert drift(before, pd.Series(generator.normal(1.5, 1, n))).level == "severe"
    assert drift(before, pd.Series(generator.normal(0, 4, n))).level == "severe"
    shops = profile(pd.Series(generator.choice(list("ab"), n), name="x"))
    assert drift(shops, pd.Series(np.repeat("new", n))).level == "severe"


def test_the_usual_limits_alone_would_cry_wolf_at_a_hundred_rows() -> None:
    generator = np.random.default_rng(2)
    found = [
        drift(profile(pd.Series(generator.normal(size=100), name="x")), pd.Series(generator.normal(size=100)))
        for _ in range(200)
    ]
    assert sum(one.psi > 0.10 for one in found) > 60
    assert all(one.moderate_at > 0.10 for one in found)


def test_a_constant_that_stays_has_no_drift_and_one_that_changes_has() -> None:
    before = profile(pd.Series([5.0] * 500, name="x"))
    assert drift(before, pd.Series([5.0] * 400)).psi == pytest.approx(0, abs=0.01)
    assert drift(before, pd.Series([6.0] * 400)).level == "severe"
    assert drift(before, pd.Series([4.0] * 400)).level == "severe"


def test_values_that_go_missing_or_come_are_a_change() -> None:
    known = pd.Series(np.arange(300.0), name="x")
    unknown = pd.Series([None] * 300, name="x", dtype="float64")
    assert drift(profile(known), unknown).level == "severe"
    assert drift(profile(unknown), known).level == "severe"
    assert drift(profile(unknown), unknown).level == "none"
    named = pd.Series(["a"] * 300, name="x")
    absent = pd.Series([None] * 300, name="x", dtype=object)
    assert drift(profile(absent), named).level == "severe"
    assert drift(profile(named), absent).level == "severe"


def test_no_rows_are_no_drift() -> None:
    assert drift(profile(pd.Series([1.0, 2.0], name="x")), pd.Series([], dtype=float)).level == "none"
    assert drift(profile(pd.Series([], dtype=float, name="x")), pd.Series([1.0])).level == "none"

"""Who serves: only what is better beyond doubt, or as good and simpler."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate
from ml.evaluation.origins import Origin, cuts
from ml.registry.contest import Contender, decide


def contest(values: dict[str, tuple[int, float]], champion: str | None = None, error: float = 0.01):
    """Contenders by name with simplicity and value; the standard error of every difference is ``error``."""

    def compare(new: str, old: str, level: float) -> Estimate:
        gained = values[new][1] - values[old][1]
        width = error * (1 if level < 0.9 else 2.5)
        return Estimate(gained, gained - width, gained + width, 100)

    contenders = [Contender(name, simplicity) for name, (simplicity, _) in values.items()]
    return decide(contenders, {name: value for name, (_, value) in values.items()}, compare, champion)


def test_of_those_as_good_as_the_best_the_simplest_serves() -> None:
    verdict = contest({"rule": (0, 0.60), "logit": (1, 0.735), "forest": (6, 0.74), "boosting": (7, 0.738)})
    assert (verdict.winner, verdict.leader) == ("logit", "forest")
    assert verdict.as_good == ("logit", "forest", "boosting")
    assert verdict.gains["rule"].low > 0
    assert "forest" not in verdict.gains


def test_as_good_is_one_standard_error_and_not_all_that_few_customers_cannot_tell_apart() -> None:
    assert contest({"logit": (1, 0.72), "forest": (6, 0.74)}).winner == "forest"
    assert contest({"logit": (1, 0.731), "forest": (6, 0.74)}).winner == "logit"


def test_a_baseline_is_as_good_until_it_is_beaten_beyond_doubt() -> None:
    assert contest({"recency": (0, 0.72), "forest": (6, 0.74)}).winner == "recency"
    assert contest({"recency": (0, 0.71), "forest": (6, 0.74)}).winner == "forest"


def test_a_champion_as_good_as_the_best_yields_only_to_a_simpler_one_as_good() -> None:
    models = {"logit": (1, 0.70), "forest": (6, 0.735), "boosting": (7, 0.74)}
    assert contest(models, champion="boosting").winner == "forest"
    assert contest(models, champion="forest").winner == "forest"
    assert "stays" in contest(models, champion="forest").reason
    assert contest({**models, "logit": (1, 0.738)}, champion="forest").winner == "logit"


def test_a_champion_yields_to_what_beats_it_beyond_doubt() -> None:
    verdict = contest({"logit": (1, 0.70), "forest": (6, 0.735), "boosting": (7, 0.74)}, champion="logit")
    assert verdict.winner == "forest"
    assert "beats logit by 0.0350 (0.0100 to 0.0600" in verdict.reason
    # of those as good as the leader only the leader itself beats the champion beyond doubt
    verdict = contest({"a": (1, 0.70), "b": (2, 0.722), "c": (3, 0.73)}, champion="a")
    assert (verdict.winner, verdict.leader) == ("c", "c")


def test_what_only_measures_better_does_not_take_over() -> None:
    verdict = contest({"logit": (1, 0.72), "forest": (6, 0.74)}, champion="logit")
    assert (verdict.winner, verdict.leader) == ("logit", "forest")
    assert "not beyond doubt" in verdict.reason


def test_what_is_as_good_as_the_best_and_simpler_than_the_champion_serves() -> None:
    verdict = contest({"logit": (1, 0.737), "forest": (6, 0.73), "blend": (9, 0.745)}, champion="forest")
    assert (verdict.winner, verdict.leader) == ("logit", "blend")
    assert "simpler than forest" in verdict.reason


def test_a_baseline_that_nothing_beats_serves_and_says_so() -> None:
    verdict = contest({"base_rate": (0, 0.50), "logit": (1, 0.505)})
    assert verdict.winner == "base_rate"
    assert "no model beats the baseline" in verdict.reason


def test_an_unknown_champion_is_as_none_and_no_contenders_is_an_error() -> None:
    assert contest({"logit": (1, 0.7)}, champion="gone").winner == "logit"
    with pytest.raises(ValueError, match="at least one"):
        decide([], {}, lambda new, old, level: None, None)


def test_the_order_of_contenders_does_not_matter() -> None:
    models = {"a": (2, 0.7), "b": (2, 0.7), "c": (5, 0.7)}
    names = {contest(dict(order)).winner for order in (models.items(), reversed(models.items()))}
    assert names == {"a"}


def origin(day: int, rows: int = 3) -> Origin:
    return Origin(dt.date(2026, 1, 1) + dt.timedelta(days=day), pd.DataFrame({"x": range(rows)}), np.zeros(rows))


def test_no_fold_learns_from_an_outcome_that_was_not_over() -> None:
    folds = cuts([origin(day) for day in (60, 0, 30, 90, 120)], horizon_days=60, tests=3)
    for fold in folds:
        assert max(one.as_of for one in fold.training) + dt.timedelta(days=60) <= fold.test.as_of
    # the fold of day 60 would learn from one of five dates, that of day 90 from two: too few to speak for five
    assert [(fold.test.as_of.isoformat(), len(fold.training)) for fold in folds] == [("2026-05-01", 3)]


def test_folds_that_learn_from_half_of_the_dates_count_newest_last() -> None:
    folds = cuts([origin(day * 30) for day in range(8)], horizon_days=60, tests=3)
    assert [len(fold.training) for fold in folds] == [4, 5, 6]


def test_a_history_without_a_fold_says_how_long_it_must_be() -> None:
    with pytest.raises(NotEnoughData, match="at least 120 days"):
        cuts([origin(0), origin(30)], horizon_days=60, tests=3)
    with pytest.raises(NotEnoughData):
        cuts([origin(0, rows=0)], horizon_days=60, tests=3)

"""What each customer is worth over the next H days: histories in; scores, evaluation and tracking out."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Self

import duckdb
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ml.evaluation.clustering import sample_rows
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import bootstrap_interval
from ml.evaluation.results import Measured, Subject
from ml.value.compare import CANDIDATES, CAPABILITY, Candidates, Trial, choose, measure_trials, try_candidates
from ml.value.cuts import ORDERS, VALUE, ShopHistory
from ml.value.histories import Floats
from ml.value.interval import ConformalInterval
from ml.value.lifetime import BuyTillYouDie, worth_unknown
from ml.value.naive import OutcomeModel
from ml.value.spend import feature_names
from ml.value.tracking import track_cohorts

#: Raise when the code changes in a way that what is learned does not show.
CODE_VERSION = 2

#: Column -> DuckDB type of ``ml.customer_value``, key shop_id, customer_id. An order is a day with one; amounts are
#: net of what is taken back within the horizon, null when unknown; the interval is of the amount that comes.
CUSTOMER_VALUE_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "customer_id": "VARCHAR",
    "as_of": "DATE",
    "horizon_days": "INTEGER",
    "expected_orders": "DOUBLE",
    "expected_value_minor": "BIGINT",
    "value_low_minor": "BIGINT",
    "value_high_minor": "BIGINT",
    "currency": "VARCHAR",
    "model": "VARCHAR",
    "model_version": "VARCHAR",
}


class CustomerValueModel:
    """Expected orders and net spend of a shop's customers over ``horizon_days``, with an interval for the spend.

    ``fit`` compares the candidates at earlier cuts, learns the chosen one anew with every cut, and sizes the
    intervals; ``predict`` scores features of any later day without learning again. ``joblib`` keeps a fitted model,
    without its ``trials_``.

    Learned: ``champions_`` and ``reasons_`` (target -> name, and why), ``models_`` (target -> fitted model),
    ``interval_`` (None where it cannot be told), ``trials_`` (target -> trials), ``features_`` (what the regressions
    see), ``measured_`` (rows for ``ml.evaluation``), ``model_version_``. Without known money ``models_`` has no
    ``VALUE`` and ``reasons_`` says why.
    """

    def __init__(self, level: float = 0.9, random_state: int = 42, candidates: Candidates = CANDIDATES) -> None:
        self.level = level
        self.random_state = random_state
        self.candidates = candidates

    def fit(self, history: ShopHistory, serving: Mapping[str, str] | None = None) -> Self:
        """Learn from a shop's history, against what is ``serving`` (target -> candidate); raises ``NotEnoughData``
        where not even orders can be expected."""
        self.shop_id_, self.horizon_days_ = history.shop_id, history.horizon_days
        self.currency_ = history.currency
        self.features_ = feature_names(history.now.features)
        self.champions_: dict[str, str] = {}
        self.reasons_: dict[str, str] = {}
        self.models_: dict[str, OutcomeModel] = {}
        self.trials_: dict[str, list[Trial]] = {}
        # more threads would add up floats in another order each time
        with threadpool_limits(limits=1):
            self._fit(history, serving or {})
        return self

    def _fit(self, history: ShopHistory, serving: Mapping[str, str]) -> None:
        self._learn(ORDERS, history, serving.get(ORDERS))
        self.interval_: ConformalInterval | None = None
        coverage: tuple[Floats, Floats] | None = None
        try:
            self._learn(VALUE, history, serving.get(VALUE))
        except NotEnoughData as reason:
            self.reasons_[VALUE] = str(reason)
        else:
            try:
                self.interval_ = self._interval(self.trials_[VALUE])
                coverage = self._coverage(self.trials_[VALUE])
            except NotEnoughData as reason:
                self.reasons_["interval"] = str(reason)
        self.model_version_ = self._version(history)
        self.measured_ = self._measure(coverage)

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """Scores of customers, in the order given: ``customer_id``, ``expected_orders``, and in minor units of
        the shop's currency ``expected_value_minor``, ``value_low_minor``, ``value_high_minor``, null where a
        customer's worth is unknown (or the shop's)."""
        value = np.full(len(features), np.nan)
        with threadpool_limits(limits=1):
            orders = self.models_[ORDERS].predict(features)
            if VALUE in self.models_:
                value = np.where(worth_unknown(features), np.nan, self.models_[VALUE].predict(features))
        low, high = np.full(len(features), np.nan), np.full(len(features), np.nan)
        if self.interval_ is not None:
            low, high = self.interval_.predict(value)
        return pd.DataFrame(
            {
                "customer_id": features["customer_id"].to_numpy(dtype=object),
                "expected_orders": np.round(orders, 6),
                "expected_value_minor": _minor_units(np.round(value)),
                # outwards, so that the expected value stays inside
                "value_low_minor": _minor_units(np.floor(low)),
                "value_high_minor": _minor_units(np.ceil(high)),
            }
        )

    def __getstate__(self) -> dict[str, object]:
        """What is kept of a fitted model: not the customers that it was tested on."""
        return {name: value for name, value in vars(self).items() if name != "trials_"}

    def _learn(self, target: str, history: ShopHistory, serving: str | None) -> None:
        trials = try_candidates(target, history.cuts, self.random_state, self.candidates)
        verdict = choose(trials, self.random_state, serving)
        self.models_[target] = self._candidate(verdict.winner).fit(target, history.cuts, history.now)
        self.trials_[target] = trials
        self.champions_[target], self.reasons_[target] = verdict.winner, verdict.reason

    def _candidate(self, name: str) -> OutcomeModel:
        return next(model for make in self.candidates if (model := make(self.random_state)).name == name)

    def _interval(self, trials: Sequence[Trial]) -> ConformalInterval:
        """Sized by the chosen model's errors at cuts that it had not seen: what a season does to them is in it."""
        predicted = np.concatenate([trial.predictions[self.champions_[VALUE]] for trial in trials])
        actual = np.concatenate([trial.actual for trial in trials])
        known = ~np.isnan(actual) & ~np.isnan(predicted)
        return ConformalInterval(self.level).fit(actual[known], predicted[known])

    def _coverage(self, trials: Sequence[Trial]) -> tuple[Floats, Floats] | None:
        """Sized by the older trials and held to the newest: whether each value lay inside (1 or 0), and the widths."""
        newest, older = trials[0], trials[1:]
        if not older:
            self.reasons_["coverage"] = "not measured: it needs two cuts to size an interval and one to hold it to"
            return None
        low, high = self._interval(older).predict(newest.predictions[self.champions_[VALUE]])
        known = ~np.isnan(newest.actual) & ~np.isnan(low)
        inside = (low <= newest.actual) & (newest.actual <= high)
        return inside[known].astype(float), (high - low)[known]

    def _measure(self, coverage: tuple[Floats, Floats] | None) -> list[Measured]:
        measured: list[Measured] = []
        for target, trials in self.trials_.items():
            measured += measure_trials(
                trials, self.champions_[target], self.shop_id_, self.random_state, self.model_version_, self.currency_
            )
        if coverage is not None:
            inside, width = coverage
            day, name = self.trials_[VALUE][0].cut.as_of, self.champions_[VALUE]
            subject = Subject(CAPABILITY, self.shop_id_, day, name, self.random_state, self.model_version_)
            figure = bootstrap_interval(inside, n_resamples=500, random_state=self.random_state)
            detail = {"level": self.level, "median_width_minor": round(float(np.median(width)))}
            measured.append(Measured(subject, "spend_interval_coverage", figure, len(inside), detail))
        return measured

    def _version(self, history: ShopHistory) -> str:
        # significant digits, not all bits: the last ones may differ between processors
        some = history.now.features.iloc[sample_rows(len(history.now.features), 1000, self.random_state)]
        totals = {target: f"{float(np.nansum(model.predict(some))):.6g}" for target, model in self.models_.items()}
        content = {
            "code": CODE_VERSION,
            "shop_id": history.shop_id,
            "as_of": history.as_of.isoformat(),
            "horizon_days": history.horizon_days,
            "random_state": self.random_state,
            "level": self.level,
            "champions": self.champions_,
            "features": self.features_,
            "totals": totals,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def score_customers(model: CustomerValueModel, features: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Rows of ``ml.customer_value`` for features of ``as_of`` by a model fitted that day or earlier."""
    scored = model.predict(features)
    scored = scored.assign(
        shop_id=model.shop_id_,
        as_of=pd.Series([as_of] * len(scored), dtype=object),
        horizon_days=model.horizon_days_,
        currency=pd.Series([model.currency_] * len(scored), dtype=object),
        model=model.champions_.get(VALUE, model.champions_[ORDERS]),
        model_version=model.model_version_,
    )
    return scored[list(CUSTOMER_VALUE_COLUMNS)].sort_values("customer_id", ignore_index=True)


def track_shop(model: CustomerValueModel, history: ShopHistory) -> pd.DataFrame:
    """Cohorts by the buy-till-you-die models of the newest trial, whose H days of outcomes are held out."""
    trial = model.trials_[ORDERS][0]
    fitted = {name: part.purchases_ for name, part in trial.models.items() if isinstance(part, BuyTillYouDie)}
    with duckdb.connect() as connection:
        orders = connection.from_df(history.order_days)
        return track_cohorts(orders, fitted, trial.cut.as_of, history.as_of)


def _minor_units(amounts: Floats) -> pd.arrays.IntegerArray:
    unknown = np.isnan(amounts)
    return pd.arrays.IntegerArray(np.where(unknown, 0, amounts).astype("int64"), unknown)

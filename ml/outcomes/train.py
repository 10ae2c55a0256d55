"""Back-test by date, contest against what serves, winner learned anew, and everything measured on the way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ml.evaluation.classification import lift_curve, reliability
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.leakage import TooGood, too_good_features
from ml.evaluation.origins import Origin, stacked
from ml.evaluation.plots import importance_plot, lift_plot, reliability_plot
from ml.evaluation.results import Measured, Subject
from ml.learners.backtest import CUSTOMER, Backtest, backtest, data_window, fit_winner
from ml.learners.candidates import Candidate
from ml.outcomes.candidates import BASE_RATE
from ml.outcomes.features import numeric_features
from ml.outcomes.model import OutcomeModel, outcome_model
from ml.registry.record import CHAMPION, REJECTED, ModelRecord, data_digest

#: Rows that the winner learns from in the end.
FINAL_ROWS = 60_000
#: Folds to judge on.
TESTS = 3
#: What decides. A shop acts on the head of a ranked list; the base rate's log loss bars what ranks well and lies.
METRIC = "auc"
#: Rows on which importance is measured; it is a mean, and needs no more.
_IMPORTANCE_ROWS = 5_000


@dataclass(frozen=True)
class Task:
    """What is to be foretold, and by what.

    ``candidates`` holds baselines too (simplicity 0); ``yardstick`` names the one whose AUC the winner's is
    compared with in pairs.
    """

    capability: str
    horizon_days: int
    candidates: tuple[Candidate, ...]
    yardstick: str
    code_version: int


@dataclass(frozen=True)
class Learned:
    """``model`` with the ``found`` back-test that chose it, and features that look as if they knew the outcome
    (``alarms``); ``columns`` are those that there were to choose from."""

    task: Task
    model: OutcomeModel
    found: Backtest
    alarms: tuple[TooGood, ...]
    columns: tuple[str, ...]
    origins: tuple[Origin, ...] = field(repr=False)

    @property
    def status(self) -> str:
        """``champion``, unless a feature looks like a leak: then nobody shall be scored by it."""
        return REJECTED if self.alarms else CHAMPION

    @property
    def reason(self) -> str:
        """Why this model serves, or why it must not."""
        if self.alarms:
            return "refused: " + "; ".join(str(alarm) for alarm in self.alarms)
        return self.found.verdict.reason


def learn(origins: Sequence[Origin], task: Task, champion: str | None, random_state: int) -> Learned:
    """Judge ``task.candidates`` on ``origins`` (all outcomes known) and fit the winner.

    ``champion`` names the candidate that serves now. Raises ``NotEnoughData`` as ``backtest`` does, and where no
    feature varies.
    """
    known = [origin for origin in origins if len(origin.frame)]
    columns = numeric_features([origin.frame for origin in known])
    if not columns:
        customers = max((len(origin.frame) for origin in known), default=0)
        raise NotEnoughData(
            "customers who differ in anything", "at least one feature that varies", f"none, among {customers} customers"
        )
    # A candidate for whom no column is left cannot stand.
    candidates = [one for one in task.candidates if one.features is None or set(one.features) & set(columns)]
    found = backtest(
        known,
        task.horizon_days,
        candidates,
        columns,
        tests=TESTS,
        metric=METRIC,
        floor=BASE_RATE,
        champion=champion,
        random_state=random_state,
    )
    newest = max(known, key=lambda origin: origin.as_of)
    alarms = too_good_features(newest.frame[columns], newest.y, random_state=random_state)
    fitted = fit_winner(found, known, candidates, columns, most_rows=FINAL_ROWS, random_state=random_state)
    model = outcome_model(fitted, newest, task.horizon_days, columns)
    return Learned(task, model, found, tuple(alarms), tuple(columns), tuple(known))


def record_of(
    learned: Learned,
    shop_id: str,
    trained_as_of: dt.date,
    parameters: Mapping[str, object],
    random_state: int,
) -> ModelRecord:
    """The registry's record of one training."""
    origins = learned.origins
    first, last = data_window(origins, learned.task.horizon_days)
    frame, y = stacked(origins, FINAL_ROWS, random_state)
    figures = learned.found.figures[learned.found.winner]
    return ModelRecord(
        capability=learned.task.capability,
        shop_id=shop_id,
        model=learned.found.winner,
        trained_as_of=trained_as_of,
        data_from=first,
        data_until=last,
        training_rows=len(frame),
        features=learned.model.features,
        code_version=learned.task.code_version,
        seed=random_state,
        data_digest=data_digest(frame[[CUSTOMER, "as_of", *learned.columns]].assign(y=y)),
        status=learned.status,
        reason=learned.reason,
        parameters=dict(parameters),
        metrics={
            name: [round(figure.value, 6), round(figure.low, 6), round(figure.high, 6)]
            for name, figure in figures.items()
            if figure
        },
    )


def measured(learned: Learned, record: ModelRecord, *, suffix: str = "") -> Iterator[Measured]:
    """Every candidate's and baseline's figures on the held-out rows; ``suffix`` is appended to the models' names."""
    found, task = learned.found, learned.task
    dates = [cut.test.as_of.isoformat() for cut in found.cuts]
    n = len(found.y)

    def subject(name: str) -> Subject:
        version = record.version if name == found.winner else ""
        return Subject(record.capability, record.shop_id, record.trained_as_of, name + suffix, record.seed, version)

    simplicity = {one.name: one.simplicity for one in task.candidates}
    for name, figures in found.figures.items():
        about: dict[str, object] = {
            "horizon_days": task.horizon_days,
            "tested_on": dates,
            "is_baseline": simplicity[name] == 0,
            "serves": name == found.winner and not learned.alarms,
        }
        if name in found.failed:
            about["barred"] = found.failed[name]
        behind = found.verdict.gains.get(name)
        if behind is not None:
            about["leader"] = found.verdict.leader
            about["leader_is_better_by_auc"] = [round(part, 6) for part in behind[:3]]
            about["as_good_as_leader"] = name in found.verdict.as_good
        for metric, figure in figures.items():
            yield Measured(subject(name), metric, figure, n, about)
    for name, why in found.failed.items():
        if name in found.figures:
            continue
        yield Measured(subject(name), "auc", None, n, {"horizon_days": task.horizon_days, "reason": why})
    if task.yardstick in found.scores and found.winner != task.yardstick:
        gain = found.gain(found.winner, task.yardstick, "auc", random_state=record.seed)
        yield Measured(
            subject(found.winner), f"auc_gain_over_{task.yardstick}", gain, n, {"horizon_days": task.horizon_days}
        )
    for alarm in learned.alarms:
        yield Measured(subject(alarm.feature), "auc_alone", alarm.auc, n, {"leak": str(alarm)})


def plots(learned: Learned, title: str) -> dict[str, bytes]:
    """Reliability and lift of winner and yardstick, and the winner's importance by concept, as PNG by title."""
    found = learned.found
    shown = list(dict.fromkeys([found.winner, found.verdict.leader, learned.task.yardstick]))
    shown = [name for name in shown if name in found.scores]
    newest = max(learned.origins, key=lambda origin: origin.as_of).frame
    rows = np.random.default_rng(0).permutation(len(newest))[:_IMPORTANCE_ROWS]
    return {
        f"{title}, reliability": reliability_plot(
            {name: reliability(found.y, found.scores[name]) for name in shown}, f"{title}: stated and found"
        ),
        f"{title}, lift": lift_plot(
            {name: lift_curve(found.y, found.scores[name]) for name in shown}, f"{title}: lift"
        ),
        f"{title}, importance": importance_plot(
            learned.model.importance(newest.iloc[np.sort(rows)]), f"{title}: change of log-odds, {found.winner}"
        ),
    }

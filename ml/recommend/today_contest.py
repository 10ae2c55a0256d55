"""Whether today's visit has a say in a user's list: judged on the cuts in time that the long-term model was chosen on.

At each cut those are judged who were there within the day before it, by what is new to them in the days after it: the
list that the router would have served them, and the same blended with a session model's of sessions before the cut.
The long-term list stays until a blend beats it beyond doubt (``ml.registry.contest``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate
from ml.evaluation.ranking.columns import ITEM, RANK, USER
from ml.evaluation.ranking.metrics import means, user_metrics
from ml.evaluation.ranking.splits import Split, check_no_leak
from ml.evaluation.regression import mean_difference
from ml.evaluation.results import Measured, Subject
from ml.recommend.interactions import Codes, Interactions
from ml.recommend.router import Router
from ml.recommend.shelf import Lists, Shelf
from ml.recommend.today import DEPTH, KINDS, TODAY_DAYS, WEIGHTS, WINDOW_DAYS, TodayBlend, blended, visit_lists
from ml.recommend.visits import Visits
from ml.registry.contest import Contender, Verdict, decide

#: Users who have to be judged for a blend to be worth anything.
FEWEST_JUDGED = 30
#: The names of both in ``ml.evaluation``; the figures are of today's users alone.
BLEND, LONG_TERM = "today_blend", "today_long_term"
_DAY = 86_400_000_000

#: Makes the router that would have served at a cut, of the interactions before it and the shelf.
RouterAt = Callable[[Interactions, Shelf], Router]


@dataclass(frozen=True, eq=False)
class TodayChoice:
    """What the back-test found: ``blend`` is ``None`` where the long-term list stays, ``reason`` says why.

    ``best`` is the blend that measures best, ``ndcg`` its and the long-term list's figure under :data:`BLEND` and
    :data:`LONG_TERM`, ``gain`` the paired difference, of ``users`` different ones; all missing where too few were
    judged. ``per_user`` has every contender's nDCG.
    """

    blend: TodayBlend | None
    reason: str
    users: int
    k: int
    best: TodayBlend | None = None
    ndcg: Mapping[str, Estimate | None] = field(default_factory=dict)
    gain: Estimate | None = None
    per_user: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict, repr=False)

    def rows(self, shop: Subject) -> list[Measured]:
        """Rows of ``ml.evaluation``."""

        def of(model: str, metric: str, figure: Estimate | float | None) -> Measured:
            detail = {
                "chosen": (self.blend is not None) == (model == BLEND),
                "blend": self.best.name if self.best else "",
                "reason": self.reason,
            }
            subject = Subject(shop.capability, shop.shop_id, shop.as_of, model, shop.seed, shop.model_version)
            return Measured(subject, metric, figure, self.users, detail)

        rows = [of(model, f"ndcg@{self.k}", self.ndcg.get(model)) for model in (BLEND, LONG_TERM)]
        rows.append(of(BLEND, f"ndcg@{self.k}_gain", self.gain))
        rows.append(of(BLEND, "users_of_today", float(self.users)))
        return rows

    def metrics(self) -> dict[str, object]:
        """For the model's record."""
        gain = [round(part, 6) for part in self.gain[:3]] if self.gain else None
        return {"today": self.blend.name if self.blend else "off", "today_gain": gain, "today_reason": self.reason}


def judge_today(
    cuts: Sequence[Split], visits: Visits, log: Interactions, router_at: RouterAt, *, k: int = 10
) -> TodayChoice:
    """Compare :data:`KINDS` with :data:`WEIGHTS` against the long-term list.

    ``cuts`` hold users and items of ``log`` by their ids; ``visits`` are in its numbers, and may go on after the
    cuts: what is later is cut off here. Raises ``ValueError`` where a cut leaks.
    """
    blends = [TodayBlend(kind, weight) for kind in KINDS for weight in WEIGHTS]
    names = [LONG_TERM, *(blend.name for blend in blends)]
    parts = [_judged(cut, visits, log, router_at, blends, k) for cut in cuts]
    judged = pd.concat([part for part in parts if part is not None] or [pd.DataFrame(columns=[USER, *names])])
    people = judged[USER].to_numpy(dtype=object)
    n_users = len(set(people))
    if n_users < FEWEST_JUDGED:
        reason = f"too few users were there on the day before a cut and came back: {n_users} of {FEWEST_JUDGED}"
        return TodayChoice(None, reason, n_users, k)
    values = {name: judged[name].to_numpy(dtype=float) for name in names}

    def compare(one: str, other: str, level: float) -> Estimate:
        return mean_difference(values[one], values[other], level=level, groups=people.astype(str))

    verdict: Verdict = decide(
        [Contender(LONG_TERM, 0), *(Contender(blend.name, 1) for blend in blends)],
        {name: float(of.mean()) for name, of in values.items()},
        compare,
        None,
    )
    best = max(blends, key=lambda blend: float(values[blend.name].mean()))
    chosen = next((blend for blend in blends if blend.name == verdict.winner), None)
    shown = chosen or best
    figures = {BLEND: values[shown.name], LONG_TERM: values[LONG_TERM]}
    ndcg = means(pd.DataFrame(figures), [BLEND, LONG_TERM])
    gain = compare(shown.name, LONG_TERM, 0.95)
    return TodayChoice(chosen, verdict.reason, n_users, k, shown, ndcg, gain, values)


def visits_at(cut: pd.Timestamp, visits: Visits, users: Codes) -> Visits:
    """The sessions of ``users`` that a session model may know at ``cut``."""
    moment = int(np.datetime64(cut.tz_localize(None), "us").astype(np.int64))
    return visits.between(moment - WINDOW_DAYS * _DAY, moment, moment - TODAY_DAYS * _DAY, users)


def _judged(
    cut: Split, visits: Visits, log: Interactions, router_at: RouterAt, blends: Sequence[TodayBlend], k: int
) -> pd.DataFrame | None:
    """nDCG of every contender for each user judged at a cut; ``None`` where there is nobody."""
    check_no_leak(cut)
    assert cut.cut is not None
    # everything in the log's numbers, so that sessions and interactions speak of the same items
    known = Interactions.from_frame(cut.train, items=log.items)
    at_cut = visits_at(cut.cut, visits, np.unique(log.rows_of(known.users)))
    if not len(at_cut.steps):
        return None
    users, sessions = at_cut.newest_of_users()
    row = known.rows_of(log.users[users])
    users, sessions, row = users[row >= 0], sessions[row >= 0], row[row >= 0]
    relevant = _relevant(cut.test, known, at_cut, row, sessions)
    judged = np.isin(row, relevant["row"])
    row, sessions = row[judged], sessions[judged]
    if not len(row):
        return None
    order = np.argsort(row)
    row, sessions = row[order], sessions[order]
    shelf = _everything(known)
    long_term = router_at(known, shelf).lists(row, DEPTH)
    wanted = pd.DataFrame({USER: known.users[relevant["row"]], ITEM: known.items[relevant["column"]]})
    found = {LONG_TERM: _ndcg(long_term, known, wanted, k)}
    for kind in dict.fromkeys(blend.kind for blend in blends):
        try:
            model = KINDS[kind]().fit(at_cut.steps)
        except NotEnoughData:
            return None
        visit = visit_lists(model, at_cut, known, row, sessions, shelf)
        for blend in blends:
            if blend.kind == kind:
                lists = blended(long_term, visit, blend.weight, len(known.items))
                found[blend.name] = _ndcg(lists, known, wanted, k)
    return pd.DataFrame(found).rename_axis(USER).reset_index()


def _relevant(test: pd.DataFrame, known: Interactions, visits: Visits, row: Codes, sessions: Codes) -> pd.DataFrame:
    """``row`` and ``column`` of what the users chose after the cut and had met neither before nor in their visit.

    A day's choice carries the time of its last event, so that an item of this morning may count as chosen later.
    """
    n_items = len(known.items)
    user, column = known.rows_of(test[USER]), known.columns_of(test[ITEM])
    wanted = np.unique((user * n_items + column)[np.isin(user, row) & (column >= 0)])
    context, item = visits.contexts(sessions).pairs()
    met = known.matrix[row]
    own = np.concatenate([row[context] * n_items + item, np.repeat(row, np.diff(met.indptr)) * n_items + met.indices])
    wanted = wanted[~np.isin(wanted, own)]
    return pd.DataFrame({"row": wanted // n_items, "column": wanted % n_items})


def _ndcg(lists: Lists, data: Interactions, wanted: pd.DataFrame, k: int) -> pd.Series:
    shown = lists.where(lists.rank <= k)
    frame = pd.DataFrame({USER: data.users[shown.row], ITEM: data.items[shown.column], RANK: shown.rank})
    return user_metrics(frame, wanted, k=k)["ndcg"]


def _everything(data: Interactions) -> Shelf:
    """A shelf of everything: what was on sale at the cut nobody knows any more."""
    n = len(data.items)
    category = np.full(n, "", dtype=object)
    return Shelf(data.items, data.items, category, np.ones(n, dtype=bool), np.arange(n, dtype=np.int64))

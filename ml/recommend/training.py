"""Which recommender serves a shop: all candidates on cuts in time of its own data, and the platform's contest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from ml.evaluation.drift import Profile, profile
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate
from ml.evaluation.ranking.columns import ITEM, USER
from ml.evaluation.ranking.metrics import means
from ml.evaluation.ranking.report import RankingReport
from ml.evaluation.ranking.splits import Split
from ml.evaluation.regression import mean_difference
from ml.recommend.backtest import back_test
from ml.recommend.candidates import personal_candidates, popularity_candidates
from ml.recommend.choice import choose, chosen_model
from ml.recommend.ease import MOST_ITEMS
from ml.recommend.interactions import Interactions
from ml.recommend.item_knn import ItemKNN
from ml.recommend.item_sums import ItemSums
from ml.recommend.newcomer_choice import NewcomerChoice, choose_for_newcomers
from ml.recommend.read import faded
from ml.recommend.recommender import BlockRecommender
from ml.recommend.rerank_contest import RERANKED, RerankChoice, judge_reranker, reranked
from ml.recommend.router import CHOSEN, FEW, NEAR, POPULAR, Popular, Router
from ml.recommend.served_model import is_carried, without_users
from ml.recommend.shelf import Shelf
from ml.recommend.today import TodayBlend
from ml.recommend.today_contest import TodayChoice, judge_today
from ml.recommend.tuning import FUSION, Maker, Selection, inner_time_cuts, select_fusion
from ml.recommend.visits import Visits
from ml.registry.contest import Contender, Verdict, decide

#: Users whose days are learned from and judged in the back-test of a large shop.
TESTED_USERS = 20_000
#: Users who have to be judged for a choice to be worth anything.
FEWEST_JUDGED = 30
#: Days of each cut, and how many cuts at most.
HORIZON_DAYS, CUTS = 7, 3
#: Length of the judged lists.
JUDGED_K = 10
#: Name of the router's rows in the evaluation.
ROUTER = "router"
#: Models that cost the cube of the users or items stand up to so many.
CUBIC_UP_TO = 1_500


@dataclass(frozen=True, eq=False)
class ServedModel:
    """What is kept in the registry.

    ``chosen`` scores users with many items: fitted and without users where ``carried``, else unfitted, to be fitted
    on the day's users; ``None`` where popularity serves. ``near`` explains, and serves users of few items where ``few``
    (``router.NEAR`` and so on) says so. ``days`` is how far back the best popularity looks, ``profiles`` is how users
    were when it was learned. ``today`` says how lists of the newest day's visitors follow their visit, if they do.
    ``newcomer_days`` is how far back popularity looks for strangers.
    """

    name: str
    chosen: BlockRecommender | None
    carried: bool
    near: ItemSums
    few: int
    days: float | None
    profiles: tuple[Profile, ...]
    today: TodayBlend | None = None
    newcomer_days: float | None = None


@dataclass(frozen=True, eq=False)
class Contest:
    """What the back-test found: ``selection`` and ``verdict`` on all cuts, ``reports`` of every member on the newest
    one; ``few`` says who serves users of up to ``router.FEW`` items, and ``n_few`` how many were judged; ``newcomers``
    which popularity serves strangers, if enough came."""

    selection: Selection
    verdict: Verdict
    makers: Mapping[str, Maker]
    baselines: tuple[str, ...]
    reports: Mapping[str, RankingReport]
    few: Verdict
    n_few: int
    routed: Estimate | None
    cuts: tuple[Split, ...]
    second_look: RerankChoice
    random_state: int
    newcomers: NewcomerChoice | None

    @property
    def near_name(self) -> str:
        """The best item-kNN by itself."""
        return _best_near(self.selection)

    @property
    def days(self) -> float | None:
        """How far back the best of the popularity baselines looks."""
        return self._days_of(_best(self.selection, self.baselines))

    @property
    def newcomer_days(self) -> float | None:
        """The same for strangers: as strangers chose, or where too few came as of who is known."""
        return self.days if self.newcomers is None else self._days_of(self.newcomers.winner)

    def _days_of(self, baseline: str) -> float | None:
        days = getattr(self.makers[baseline](), "days", None)
        return float(days) if days is not None else None

    @property
    def serves_few(self) -> int:
        """``router.NEAR``, ``CHOSEN`` or ``POPULAR``: who serves users of few items."""
        personal = self.verdict.winner not in self.baselines
        names = {self.near_name: NEAR, self.verdict.winner: CHOSEN if personal else POPULAR}
        return names.get(self.few.winner, POPULAR)

    def near(self) -> ItemSums:
        """The best item-kNN, unfitted."""
        made = self.makers[self.near_name]()
        assert isinstance(made, ItemSums)
        return made

    def chosen(self) -> BlockRecommender | None:
        """The model that won, unfitted; ``None`` where popularity did."""
        if self.verdict.winner == RERANKED:
            return reranked(self.selection, self.makers, HORIZON_DAYS, self.random_state)
        personal = self.verdict.winner not in self.baselines
        return chosen_model(self.selection, self.verdict, self.makers) if personal else None


def contest(rows: pd.DataFrame, *, champion: str | None, random_state: int) -> Contest:
    """Judge every candidate on cuts in time of ``rows`` (``sampled_rows``) by what is new to known users.

    Raises ``NotEnoughData`` where the history is shorter than a cut and what is before it, or too few users are judged.
    """
    horizon = pd.Timedelta(HORIZON_DAYS, "D")
    cuts = [faded(cut) for cut in inner_time_cuts(rows, horizon=horizon, times=CUTS)]
    judged = len({user for cut in cuts for user in cut.test[USER]})
    if judged < FEWEST_JUDGED:
        raise NotEnoughData(
            f"users who came back to new products within {HORIZON_DAYS} days", f"{FEWEST_JUDGED}", f"{judged}"
        )
    newest = Interactions.from_frame(cuts[-1].train)
    baselines = popularity_candidates(newest)
    makers = baselines | personal_candidates(newest, cubic_up_to=CUBIC_UP_TO)
    with threadpool_limits(1):
        selection = select_fusion(makers, cuts, k=JUDGED_K, random_state=random_state)
    if newest.shape[1] > MOST_ITEMS:
        # scores of a fusion are dense, which a catalogue of this size does not allow for every user
        selection = Selection(selection.alone, {selection.best: 1}, selection.path, selection.per_user, selection.users)
    verdict = choose(selection, list(baselines), champion=champion)
    second_look = RerankChoice(
        False, "the fusion has not won, or the shop is too large to fit everything anew every day"
    )
    if verdict.winner == FUSION and rows[USER].nunique() < TESTED_USERS:
        second_look = judge_reranker(selection, makers, cuts, k=JUDGED_K, days=HORIZON_DAYS, random_state=random_state)
    members = dict(makers)
    if second_look.wins:
        verdict = Verdict(RERANKED, f"{verdict.reason}; {second_look.reason}", RERANKED, verdict.gains, (RERANKED,))
        members[RERANKED] = partial(reranked, selection, makers, HORIZON_DAYS, random_state)
    reports = _reports(selection, members, cuts[-1])
    standing = (_best_near(selection), verdict.winner, _best(selection, list(baselines)))
    few, n_few, routed = _few(reports, cuts[-1], standing)
    newcomers = choose_for_newcomers(rows, baselines, horizon=horizon, times=CUTS, k=JUDGED_K, fewest=FEWEST_JUDGED)
    return Contest(
        selection,
        verdict,
        makers,
        tuple(baselines),
        reports,
        few,
        n_few,
        routed,
        tuple(cuts),
        second_look,
        random_state,
        newcomers,
    )


def today_choice(found: Contest, visits: Visits, log: Interactions) -> TodayChoice:
    """Whether today's visit has a say, against what the contest's winners would have served at each cut."""

    def router_at(known: Interactions, shelf: Shelf) -> Router:
        chosen = found.chosen()
        return Router(
            known,
            shelf,
            # choices of the back-test do not tell purchases
            sparse.csr_matrix(known.shape, dtype=np.float32),
            Popular.of(known, found.days),
            found.near().fit(known),
            chosen.fit(known) if chosen is not None else None,
            found.serves_few,
        )

    return judge_today(found.cuts, visits, log, router_at, k=JUDGED_K)


def fit_served(
    found: Contest, interactions: Interactions, users: pd.DataFrame, today: TodayBlend | None = None
) -> ServedModel:
    """Fit what the contest chose on everybody; ``users`` are the features to compare later days with."""
    near = _kept(found.near().fit(interactions))
    chosen = found.chosen()
    carried = chosen is None or is_carried(chosen)
    if chosen is not None and carried:
        chosen = without_users(chosen.fit(interactions))
    profiles = tuple(profile(users[name]) for name in users.columns)
    return ServedModel(
        found.verdict.winner,
        chosen,
        carried,
        near,
        found.serves_few,
        found.days,
        profiles,
        today,
        found.newcomer_days,
    )


def data_days(rows: pd.DataFrame) -> tuple[dt.date, dt.date]:
    """First day of ``rows`` and the day after the last."""
    time = rows["time"]
    return time.min().date(), time.max().date() + dt.timedelta(days=1)


def _reports(selection: Selection, makers: Mapping[str, Maker], cut: Split) -> dict[str, RankingReport]:
    """Every member's lists on the newest cut, and the fusion's."""
    members = dict(makers)
    if len(selection.taken) > 1:
        members[FUSION] = lambda: selection.fusion(makers)
    return back_test(members, cut, k=JUDGED_K)


def _few(
    reports: Mapping[str, RankingReport], cut: Split, standing: tuple[str, str, str]
) -> tuple[Verdict, int, Estimate | None]:
    """Who serves users of few items, how many were judged, and the nDCG of serving each user by whom it is then.

    ``standing`` are the best item-kNN, which stays unless it is beaten beyond doubt, the winner of the contest, and the
    best popularity.
    """
    near, winner, _ = standing
    sizes = cut.train.groupby(USER)[ITEM].nunique()
    values = {name: reports[name].per_user["ndcg"] for name in dict.fromkeys(standing)}
    users = values[near].index
    few = (sizes.reindex(users, fill_value=0) <= FEW).to_numpy()
    n_few = int(few.sum())
    verdict = Verdict(near, f"{near} serves users of up to {FEW} items by rule: too few were judged", near)
    if n_few >= FEWEST_JUDGED and len(values) > 1:

        def compare(one: str, other: str, level: float) -> Estimate:
            return mean_difference(values[one].to_numpy()[few], values[other].to_numpy()[few], level=level)

        verdict = decide(
            [Contender(name, 1) for name in values],
            {name: float(of[few].mean()) for name, of in values.items()},
            compare,
            near,
        )
    routed = values[winner].where(~few, values[verdict.winner])
    return verdict, n_few, means(routed.to_frame("ndcg"), ["ndcg"])["ndcg"]


def _best(selection: Selection, names: Sequence[str]) -> str:
    return max(names, key=lambda name: selection.alone[name])


def _best_near(selection: Selection) -> str:
    return _best(selection, [name for name in selection.alone if name.startswith("item_knn")])


def _kept(model: BlockRecommender) -> ItemSums:
    bare = without_users(model)
    assert isinstance(bare, ItemSums)
    assert isinstance(bare, ItemKNN)
    return bare

"""Who was here on the newest day: the list that knows the user for long, blended with what the last visit leads to.

A log of days does not know the order within a session, which says most of what comes next. A model of sessions, fitted
on the newest weeks, answers for the user's last one; both lists vote by rank, as their scores have no scale in common
(see ``ml.recommend.sessions.fusion`` for the source). Whether they are blended, with which model and weight, is the
back-test's decision (``today_contest``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from ml.recommend.interactions import Codes, Interactions
from ml.recommend.item_sums import users_of_both
from ml.recommend.router import Router
from ml.recommend.sessions.item_pairs import MOST_STEPS, SessionItemKnn
from ml.recommend.sessions.model import NextItems
from ml.recommend.sessions.sequential_rules import SequentialRules
from ml.recommend.sessions.steps import session_items, without_repeats
from ml.recommend.shelf import Lists, Shelf
from ml.recommend.visits import Visits

#: Days before ``as_of`` in which a user's newest session has to lie. At most ``kept_lists.LATE_DAYS``, so that
#: everyone whose list was blended is looked at again by the next run.
TODAY_DAYS = 1
#: Days of sessions that the session models learn from, as ``session_next_items`` does.
WINDOW_DAYS = 60
#: Places of either list that vote.
DEPTH = 60
#: What made a row, beside those of ``ml.recommend.router``.
TODAY = 3
#: Models that may serve, and how much the visit's list may weigh against the long-term one.
KINDS: Mapping[str, Callable[[], NextItems]] = {
    SequentialRules.name: SequentialRules,
    SessionItemKnn.name: SessionItemKnn,
}
WEIGHTS = (0.25, 0.5, 0.75)
_SOFTNESS = 5.0
#: Of a visit the last different items may be the reason.
_REASONS = 5


@dataclass(frozen=True)
class TodayBlend:
    """Which session model takes part, by name, and the share of its votes."""

    kind: str
    weight: float

    @property
    def name(self) -> str:
        """As in the back-test."""
        return f"today {self.kind} weight={self.weight:g}"

    @property
    def row_model(self) -> str:
        """What rows that owe their place to the visit have as their model."""
        return f"today_{self.kind}"


class VisitReasons(NamedTuple):
    """Why rows stand where they do, parallel to them: column of the visit's item that speaks for it, -1 for none; in
    how many sessions both occurred; whether the visit bought it."""

    because: Codes
    sessions: Codes
    bought: np.ndarray


class TodayLists:
    """Lists of the newest day's visitors, ``visits`` being the sessions of the last weeks and ``blend`` how much they
    weigh. ``users`` (rows of the log, ascending) are those who have one; of others nothing is known here."""

    def __init__(self, blend: TodayBlend, visits: Visits, lately: np.ndarray) -> None:
        """``lately`` (shape ``(users of the log,)``): whose newest day is the newest one. Sessions of others are old
        ones that go on, as the log sees it, and would not be looked at again by the next run."""
        users, sessions = visits.newest_of_users()
        self.users, self._sessions = users[lately[users]], sessions[lately[users]]
        self._blend, self._visits = blend, visits
        if not len(self.users):
            return
        self._model = KINDS[blend.kind]().fit(visits.steps)
        session, item, _ = session_items(visits.steps, MOST_STEPS)
        ones = np.ones(len(item), dtype=np.float32)
        shape = (len(visits.steps.sessions), len(visits.steps.items))
        had = sparse.csr_matrix((ones, (session, item)), shape=shape)
        self._had = Interactions(had, visits.steps.sessions, visits.steps.items)

    def lists(self, router: Router, users: Codes, k: int) -> tuple[Lists, VisitReasons]:
        """Up to ``k`` items for each of ``users`` (ascending, some of the own), and why those of the visit stand there;
        rows of others have no reason here."""
        sessions = self._sessions[np.searchsorted(self.users, users)]
        visit = visit_lists(self._model, self._visits, router.interactions, users, sessions, router.shelf)
        together = blended(router.lists(users, DEPTH), visit, self._blend.weight, len(router.shelf.ids))
        found = router.shelf.tidy(together, k, router.bought)
        today = found.source == TODAY
        told = visit_reasons(self._visits, self._had, users, sessions, found.row[today], found.column[today])
        n = len(found.row)
        because, counts, bought = found.because.copy(), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)
        because[today], counts[today], bought[today] = told
        return found._replace(because=because), VisitReasons(because, counts, bought)


def visit_lists(
    model: NextItems, visits: Visits, interactions: Interactions, users: Codes, sessions: Codes, shelf: Shelf
) -> Lists:
    """What each of ``sessions`` leads to, for its user (row of ``interactions``): up to :data:`DEPTH` by rank.

    Nothing that the user has met or that is not on sale. ``model`` is fitted on steps that count the items of
    ``interactions``; what it has nothing to say of is left out.
    """
    ranked = model.recommend(visits.contexts(sessions), 2 * DEPTH, filter_seen=True)
    row, place = np.nonzero((ranked.item >= 0) & (ranked.score > 0))
    column, score = ranked.item[row, place], ranked.score[row, place]
    user = users[row]
    theirs = interactions.matrix[users]
    met = np.repeat(users, np.diff(theirs.indptr)) * len(interactions.items) + theirs.indices
    seen = np.isin(user * len(interactions.items) + column, met)
    none = np.full(len(row), -1, dtype=np.int64)
    found = Lists(user, column, place + 1, score, none, np.full(len(row), TODAY, dtype=np.int64))
    return shelf.tidy(found.where(~seen), DEPTH)


def blended(long_term: Lists, visit: Lists, weight: float, n_items: int) -> Lists:
    """Both lists of each user as one: an item's score is Σ share / (5 + rank), shares ``1 - weight`` and ``weight``.

    A row owes its place to the visit (``source`` :data:`TODAY`, no reason yet) where that adds more. Both by row and
    rank, of ranks up to :data:`DEPTH`; ties go by column.
    """
    key = np.concatenate([long_term.row * n_items + long_term.column, visit.row * n_items + visit.column])
    keys, place = np.unique(key, return_inverse=True)
    own = place[: len(long_term.row)]
    of_own, of_visit = np.zeros(len(keys)), np.zeros(len(keys))
    of_own[own] = (1 - weight) / (_SOFTNESS + long_term.rank)
    of_visit[place[len(long_term.row) :]] = weight / (_SOFTNESS + visit.rank)
    because, source = np.full(len(keys), -1, dtype=np.int64), np.full(len(keys), TODAY, dtype=np.int64)
    because[own], source[own] = long_term.because, long_term.source
    today = of_visit > of_own
    because[today], source[today] = -1, TODAY
    row, column = keys // n_items, keys % n_items
    score = np.round(of_own + of_visit, 12)
    order = np.lexsort((column, -score, row))
    rank = np.arange(len(order)) - np.searchsorted(row[order], row[order]) + 1
    return Lists(row[order], column[order], rank, score[order], because[order], source[order])


def visit_reasons(
    visits: Visits, had: Interactions, users: Codes, sessions: Codes, row: Codes, column: Codes
) -> VisitReasons:
    """For each user (in ``row``) and item: of the visit's last items the one that most sessions had together with it.

    ``sessions`` are those of ``users``, which are ascending; ``had`` says which session had which item. Equal ones go
    by the newer.
    """
    newest = without_repeats(visits.contexts(sessions).newest(_REASONS))
    mine = newest[np.searchsorted(users, row)]
    pair, place = np.nonzero(mine >= 0)
    told = mine[pair, place]
    n_items = len(visits.steps.items)
    unique, at = np.unique(told * n_items + column[pair], return_inverse=True)
    both = users_of_both(had, unique // n_items, unique % n_items)[at]
    order = np.lexsort((place, -both, pair))
    pairs, first = np.unique(pair[order], return_index=True)
    best = order[first]
    because = np.full(len(row), -1, dtype=np.int64)
    counts = np.zeros(len(row), dtype=np.int64)
    because[pairs], counts[pairs] = told[best], both[best]
    because[counts == 0] = -1
    return VisitReasons(because, counts, _bought_in(visits, sessions[np.searchsorted(users, row)], because))


def _bought_in(visits: Visits, session: Codes, item: Codes) -> np.ndarray:
    steps = visits.steps
    n_items = len(steps.items)
    bought = steps.session[steps.bought] * n_items + steps.item[steps.bought]
    found: np.ndarray = np.isin(session * n_items + item, bought) & (item >= 0)
    return found

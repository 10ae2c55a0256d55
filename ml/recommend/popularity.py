"""What most people choose: the baseline of every table, what strangers are shown, and hard to beat as time passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ml.recommend.interactions import Codes, Interactions
from ml.recommend.recommender import BlockRecommender, Scores
from ml.recommend.top_items import Floats, TopItems, top_items

_MICROSECONDS_A_DAY = 86_400_000_000


class Popularity(BlockRecommender):
    """Every user gets the items with the largest sum of weights, over all time or the last ``days``.

    Parameters
    ----------
    days : how far back to look from the newest interaction; ``None`` for all time.
    count_users : count users instead of adding weights.

    An item without an interaction in that time is not recommended, nor is anything similar to another. Raises
    ``ValueError`` at ``fit`` where ``days`` is given and the interactions have no times.
    """

    def __init__(self, days: float | None = None, *, count_users: bool = True) -> None:
        self.days = days
        self.count_users = count_users

    @property
    def name(self) -> str:
        """``popular`` or ``popular_14_days``."""
        return "popular" if self.days is None else f"popular_{self.days:g}_days"

    def _learn(self, interactions: Interactions) -> None:
        counts = np.asarray(_recent(interactions, self.days, self.count_users).sum(axis=0)).ravel()
        self.scores_ = _nothing_is_never(counts)

    def scores(self, rows: Codes) -> Scores:
        """The same scores for every row."""
        return np.broadcast_to(self.scores_, (len(rows), len(self.scores_)))

    def user_blocks(self, rows: Codes, known: Codes) -> Iterator[Codes]:
        """As many users at a time as have short histories alike."""
        return self.blocks_by_history(rows, known)

    def top(self, rows: Codes, k: int, filter_seen: bool = True) -> TopItems:
        """Of one list for all, long enough that ``k`` are left when a user's own items are crossed out."""
        seen = self.interactions_.binary[rows]
        longest = int(np.diff(seen.indptr).max(initial=0)) if filter_seen else 0
        listed = top_items(self.scores_[None, :], k + longest)
        scores = np.tile(listed.score, (len(rows), 1))
        if filter_seen:
            crossed = seen[:, listed.column].tocoo()
            scores[crossed.row, crossed.col] = -np.inf
        # places in the list are in the order of score and id already, so that ties stay as they are
        found = top_items(scores, k)
        return found._replace(column=listed.column[found.column])

    def stranger_scores(self) -> Floats | None:
        """The same scores for who is not in the data."""
        return self.scores_

    def item_scores(self, columns: Codes) -> Scores:
        """Nothing: popularity does not know what is alike."""
        return sparse.csr_matrix((len(columns), len(self.scores_)))


class GroupPopularity(BlockRecommender):
    """What is chosen most in the user's own group (region, say), filled up with what is chosen most by all.

    ``groups`` maps a user to a group; who is in none, or is a stranger, gets what all choose.
    """

    def __init__(self, groups: Mapping[str, str], days: float | None = None) -> None:
        self.groups = groups
        self.days = days

    @property
    def name(self) -> str:
        """``popular_in_group``, with the days if there are any."""
        return "popular_in_group" + ("" if self.days is None else f"_{self.days:g}_days")

    def _learn(self, interactions: Interactions) -> None:
        matrix = _recent(interactions, self.days, True)
        names = sorted(set(self.groups.values()))
        place = {name: number for number, name in enumerate(names)}
        # the last row is of no group, and counts nothing but what all choose
        self.group_ = np.array(
            [place[self.groups[user]] if user in self.groups else len(names) for user in interactions.users],
            dtype=np.int64,
        )
        overall = np.asarray(matrix.sum(axis=0)).ravel()
        member = sparse.csr_matrix(
            (np.ones(len(self.group_)), (self.group_, np.arange(len(self.group_)))),
            shape=(len(names) + 1, len(self.group_)),
        )
        counts = np.asarray((member @ matrix).todense())
        counts[-1] = 0
        # below one choice in the group, so that it only fills up and breaks ties
        self.scores_ = _nothing_is_never(counts + overall / (overall.max(initial=0.0) + 1))

    def scores(self, rows: Codes) -> Scores:
        """Scores of each row's group."""
        return self.scores_[self.group_[rows]]

    def stranger_scores(self) -> Floats | None:
        """What all choose."""
        return self.scores_[-1]

    def item_scores(self, columns: Codes) -> Scores:
        """Nothing: popularity does not know what is alike."""
        return sparse.csr_matrix((len(columns), self.scores_.shape[1]))


class CategoryPopularity(BlockRecommender):
    """What is chosen most in the categories that the user likes: P(category | user) × P(item | category).

    ``categories`` maps an item to its category; an item without one is a category of its own, "". ``smoothing`` is
    how many choices of the average user are added to the user's own, so that one look does not decide everything.
    """

    def __init__(self, categories: Mapping[str, str], days: float | None = None, smoothing: float = 3.0) -> None:
        self.categories = categories
        self.days = days
        self.smoothing = smoothing

    @property
    def name(self) -> str:
        """``popular_in_category``, with the days if there are any."""
        return "popular_in_category" + ("" if self.days is None else f"_{self.days:g}_days")

    def _learn(self, interactions: Interactions) -> None:
        of_item = [self.categories.get(item, "") for item in interactions.items]
        names = sorted(set(of_item))
        place = {name: number for number, name in enumerate(names)}
        self.category_ = np.array([place[name] for name in of_item], dtype=np.int64)
        counts = np.asarray(_recent(interactions, self.days, True).sum(axis=0)).ravel()
        of_category = np.bincount(self.category_, weights=counts, minlength=len(names))
        self.in_category_ = counts / np.maximum(of_category[self.category_], 1)
        member = sparse.csr_matrix(
            (np.ones(len(self.category_)), (np.arange(len(self.category_)), self.category_)),
            shape=(len(self.category_), len(names)),
        )
        taken = np.asarray((interactions.binary @ member).todense(), dtype=float)
        usual = of_category / max(of_category.sum(), 1)
        self.usual_ = usual
        self.taste_ = (taken + self.smoothing * usual) / (taken.sum(axis=1, keepdims=True) + self.smoothing)

    def scores(self, rows: Codes) -> Scores:
        """Scores of each row's taste."""
        return _nothing_is_never(self.taste_[rows][:, self.category_] * self.in_category_)

    def stranger_scores(self) -> Floats | None:
        """Scores of the average taste, which is popularity."""
        return _nothing_is_never(self.usual_[self.category_] * self.in_category_)

    def item_scores(self, columns: Codes) -> Scores:
        """What is chosen most among items of the same category."""
        same = self.category_[columns][:, None] == self.category_[None, :]
        return _nothing_is_never(same * self.in_category_)


def _recent(interactions: Interactions, days: float | None, count_users: bool) -> sparse.csr_matrix:
    matrix = (interactions.binary if count_users else interactions.matrix).astype(np.float64)
    if days is None:
        return matrix
    if days <= 0:
        raise ValueError(f"days: expected a number above 0, got {days}")
    times = interactions.times
    if times is None:
        if matrix.nnz:
            raise ValueError(f"popularity of the last {days:g} days: expected interactions with times")
        return matrix
    recent = times > times.max(initial=0) - days * _MICROSECONDS_A_DAY
    kept = matrix.copy()
    kept.data = kept.data * recent
    return kept


def _nothing_is_never(counts: npt.NDArray[np.float64]) -> Floats:
    return np.where(counts > 0, counts, -np.inf)

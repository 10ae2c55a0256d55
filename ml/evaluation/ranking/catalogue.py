"""What lists do beyond being right: how much of the catalogue they show, how well known and how alike their items are.

Sources: S. Vargas, P. Castells, "Rank and relevance in novelty and diversity metrics" (2011),
https://doi.org/10.1145/2043932.2043955 for novelty and diversity; H. Abdollahpouri, M. Mansoury, R. Burke,
B. Mobasher, "The unfairness of popularity bias in recommendation" (2019), https://arxiv.org/abs/1907.13286 for lift.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from ml.evaluation.ranking.columns import ITEM, RANK, USER

#: The measures of :func:`catalogue_measures`.
CATALOGUE_METRICS = ("coverage", "novelty", "diversity", "popularity", "popularity_lift", "gini")
#: Diversity compares every two items of a list; of more lists than this a seeded sample is looked at.
COMPARED_LISTS = 5_000
_PAIRS_AT_A_TIME = 20_000


def catalogue_measures(
    recommended: pd.DataFrame, train: pd.DataFrame, *, k: int, n_items: int | None = None, random_state: int = 42
) -> dict[str, float | None]:
    """Measures of all lists together; ``None`` where not defined (no list, a diversity of single items).

    Parameters
    ----------
    recommended : ``user``, ``item``, ``rank``.
    train : ``user``, ``item``: what was learned from; says how well known an item is.
    n_items : size of the catalogue; the items of ``train`` unless told.

    ``coverage``: share of the catalogue that is in at least one list. ``novelty``: mean of −log2 of the share of
    users who know the item, in bits (an item nobody knows counts as known by half a user). ``diversity``: mean over
    lists of 1 − cosine of the users of two items. ``popularity``: mean share of users who know the item.
    ``popularity_lift``: that, over the same of what the users of the lists had chosen themselves, less 1; 0 gives
    everyone the popularity they like. ``gini``: how unequally items are shown, 0 all alike, towards 1 a few only.
    """
    lists = recommended.loc[recommended[RANK] <= k, [USER, ITEM]]
    known = train[[USER, ITEM]].drop_duplicates()
    items = pd.Index(known[ITEM].unique())
    catalogue = len(items) if n_items is None else n_items
    if not len(lists) or catalogue < 1:
        return dict.fromkeys(CATALOGUE_METRICS)
    n_users = max(known[USER].nunique(), 1)
    share = known.groupby(ITEM).size() / n_users
    popularity = lists[ITEM].map(share).fillna(0.0).to_numpy(dtype=np.float64)
    shown = lists.groupby(ITEM).size().to_numpy()
    if len(shown) > catalogue:
        raise ValueError(f"n_items: expected at least the {len(shown)} items that were recommended, got {catalogue}")
    return {
        "coverage": len(shown) / catalogue,
        "novelty": float(-np.log2(np.maximum(popularity, 0.5 / n_users)).mean()),
        "diversity": _diversity(lists, known, items, random_state),
        "popularity": float(popularity.mean()),
        "popularity_lift": _lift(lists, popularity, known, share),
        "gini": _gini(np.concatenate([np.zeros(catalogue - len(shown)), np.sort(shown)])),
    }


def _lift(lists: pd.DataFrame, popularity: npt.NDArray[Any], known: pd.DataFrame, share: pd.Series) -> float | None:
    """Users weigh alike, however many items they chose; those without a history of their own are left out."""
    shown = pd.Series(popularity).groupby(lists[USER].to_numpy()).mean()
    chosen = known[ITEM].map(share).astype(float).groupby(known[USER]).mean().reindex(shown.index).dropna()
    if not len(chosen):
        return None
    return float(shown.loc[chosen.index].mean() / chosen.mean() - 1)


def _gini(counts: npt.NDArray[np.float64]) -> float:
    """Of ``counts`` in rising order, shape ``(n,)``."""
    n = len(counts)
    return float(((2 * np.arange(1, n + 1) - n - 1) * counts).sum() / (n * counts.sum()))


def _diversity(lists: pd.DataFrame, known: pd.DataFrame, items: pd.Index, random_state: int) -> float | None:
    of_two = lists[lists.groupby(USER)[ITEM].transform("size") > 1]
    users = np.sort(of_two[USER].unique())
    if not len(users):
        return None
    if len(users) > COMPARED_LISTS:
        users = np.random.default_rng(random_state).choice(users, COMPARED_LISTS, replace=False)
        of_two = of_two[of_two[USER].isin(users)]
    both = of_two.merge(of_two, on=USER, suffixes=("", "_other"))
    # an item that nobody knows is like no other: its code is -1
    one, other = _codes(items, both[ITEM]), _codes(items, both[f"{ITEM}_other"])
    ordered = both[ITEM].to_numpy() < both[f"{ITEM}_other"].to_numpy()
    pairs = pd.DataFrame({"user": both[USER].to_numpy(), "one": one, "other": other})[ordered]
    alike = np.zeros(len(pairs))
    comparable = ((pairs["one"] >= 0) & (pairs["other"] >= 0)).to_numpy()
    key = pairs["one"].to_numpy()[comparable] * len(items) + pairs["other"].to_numpy()[comparable]
    distinct, place = np.unique(key, return_inverse=True)
    alike[comparable] = _cosines(known, items, distinct)[place]
    return float((1 - pd.Series(alike).groupby(pairs["user"].to_numpy()).mean()).mean())


def _cosines(known: pd.DataFrame, items: pd.Index, keys: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Cosine of the sets of users of two items, for keys ``first code * n + second code``."""
    found = np.empty(len(keys))
    if not len(keys):
        return found
    user = pd.factorize(known[USER])[0]
    vectors = sparse.csr_matrix((np.ones(len(known)), (_codes(items, known[ITEM]), user)))
    lengths = np.sqrt(np.maximum(np.asarray(vectors.sum(axis=1)).ravel(), 1.0))
    for start in range(0, len(keys), _PAIRS_AT_A_TIME):
        first, second = np.divmod(keys[start : start + _PAIRS_AT_A_TIME], len(items))
        shared = np.asarray(vectors[first].multiply(vectors[second]).sum(axis=1)).ravel()
        found[start : start + _PAIRS_AT_A_TIME] = shared / (lengths[first] * lengths[second])
    return found


def _codes(items: pd.Index, values: pd.Series) -> npt.NDArray[np.int64]:
    """Places of ``values`` in ``items``, -1 for what is not there."""
    return items.get_indexer(pd.Index(values)).astype(np.int64)

"""Why an item is on a list, in English and Chinese, with how many people the reason rests on."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ml.recommend.fusion import ZScoreFusion
from ml.recommend.interactions import Codes
from ml.recommend.item_sums import ItemSums, strongest_terms
from ml.recommend.recommender import BLOCK_BYTES, BlockRecommender


def explainer(chosen: BlockRecommender, near: ItemSums) -> ItemSums:
    """What explains the scores of ``chosen``: itself where they are sums, else ``near``."""
    return chosen if isinstance(chosen, ItemSums) and not isinstance(chosen, ZScoreFusion) else near


def strongest(model: ItemSums, rows: Codes, columns: Codes) -> Codes:
    """The user's own item that adds most to each pair's score, -1 where none adds; equal ones by the smaller item.

    ``rows`` and ``columns`` (shape ``(n,)``) are users and items of the model.
    """
    if sparse.issparse(model.similarity_):
        return strongest_terms(model.profile_, model.similarity_, rows, columns)
    found = np.full(len(rows), -1, dtype=np.int64)
    into = model.similarity_.T
    size = max(1, BLOCK_BYTES // (8 * max(1, into.shape[0])))
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        terms = sparse.csr_matrix(model.profile_[rows[part]].multiply(into[columns[part]]))
        terms.sort_indices()
        pair = np.repeat(np.arange(terms.shape[0]), np.diff(terms.indptr))
        adds = terms.data > 0
        pair, column, term = pair[adds], terms.indices[adds], terms.data[adds]
        order = np.lexsort((column, -term, pair))
        best, first = np.unique(pair[order], return_index=True)
        found[start + best] = column[order][first]
    return found


def popular_reason(days: float | None) -> tuple[str, str]:
    """Why a popular item is shown, ``days`` being how far back popularity looks."""
    if days is None:
        return "Popular in this shop", "本店热门"
    if days == 7:
        return "Popular this week", "本周热门"
    return f"Popular in the last {days:g} days", f"近{days:g}天热门"


def place_reason(place: str, days: int) -> tuple[str, str]:
    """Why an item that is popular in a region or a country is shown to somebody there."""
    return f"Popular in {place} in the last {days} days", f"{place}近{days}天热门"

"""One list of several: members vote by rank, since their scores have no scale in common.

Source: G. Cormack, C. Clarke, S. Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning
methods" (2009), https://doi.org/10.1145/1571941.1572114.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from scipy import sparse

from ml.recommend.sessions.model import NextItems, Ranked, best_of, block_size, check_length
from ml.recommend.sessions.steps import Contexts, Steps


class RankFusion:
    """An item's score is the sum over members of ``1 / (softness + its rank)``, ranks from 1.

    Parameters
    ----------
    members : models, which are fitted with it.
    softness : the larger, the less the first few ranks matter; the paper has 60 for lists of a thousand.
    depth : ranks of a member that count; lists are at least as long as asked for.
    """

    def __init__(
        self, members: Sequence[NextItems], *, softness: float = 5.0, depth: int = 60, name: str | None = None
    ) -> None:
        if not members:
            raise ValueError("members: expected at least one model, got none")
        self.members = list(members)
        self.softness = softness
        self.depth = depth
        self.name = name or "fusion_of_" + "_and_".join(member.name for member in self.members)

    def fit(self, steps: Steps) -> Self:
        """Fit every member; raises ``NotEnoughData`` where there is no step at all."""
        for member in self.members:
            member.fit(steps)
        return self

    def recommend(self, contexts: Contexts, k: int, *, filter_seen: bool = False) -> Ranked:
        """The best ``k`` for each context, ties in order of item id; with ``filter_seen`` none of its own items.

        Raises ``ValueError`` where ``k`` is less than 1.
        """
        check_length(k)
        depth = max(k, self.depth)
        return fused(
            [member.recommend(contexts, depth, filter_seen=filter_seen) for member in self.members], k, self.softness
        )


def fused(lists: Sequence[Ranked], k: int, softness: float) -> Ranked:
    """The ``k`` best by reciprocal rank of lists of models that were fitted on the same steps; shape ``(n, k)``."""
    items = lists[0].items
    n = len(lists[0].item)
    size = block_size(len(items))
    item = np.full((n, k), -1, dtype=np.int64)
    score = np.zeros((n, k))
    for start in range(0, n, size):
        part = slice(start, min(start + size, n))
        votes = sparse.csr_array((part.stop - start, len(items)))
        for ranked in lists:
            rows, places = np.nonzero(ranked.item[part] >= 0)
            columns = ranked.item[part][rows, places]
            votes = votes + sparse.csr_array((1.0 / (softness + 1.0 + places), (rows, columns)), shape=votes.shape)
        item[part], score[part] = best_of(sparse.csr_array(votes), k)
    return Ranked(items, item, score)

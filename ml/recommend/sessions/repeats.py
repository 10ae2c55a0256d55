"""Coming back to what the session had before, counted, around any other member.

How often the next item is the last one again, the one before it, and so on is counted over all sessions, and added to
what the member says. Where items are many and sessions few, members know next to nothing of most items, and that
people come back to them is nearly all there is to know.

Source: the split into repeating and exploring is that of P. Ren et al., "RepeatNet: a repeat aware neural
recommendation machine for session-based recommendation" (2019), https://doi.org/10.1609/aaai.v33i01.33014806; counted
here, where theirs is learned by a network.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Self

import numpy as np
from scipy import sparse

from ml.recommend.sessions.model import SessionModel, best_of, block_size, place_of
from ml.recommend.sessions.steps import Codes, Contexts, Steps, without_repeats

#: Added to how often a place was there to come back to: few sessions have many items, and chance would decide.
_SHRINK = 10.0
#: What a member may weigh beside coming back: little where it knows next to nothing of most items. Not more than
#: twice, since where nobody comes back there is nothing to outweigh, and what there is to count is counted well.
WEIGHTS = (0.03, 0.1, 0.3, 1.0, 2.0)
#: What it weighs where the newest sessions say nothing.
_UNTOLD = 1.0
#: Steps of the newest sessions in which coming back is counted: more would not change a share.
_COUNTED = 50_000
#: Steps of the newest sessions by which the weight is chosen, and the length of the lists they judge.
_JUDGED, _LENGTH = 2000, 20


class WithRepeats(SessionModel):
    """A member's scores, in shares of their sum, beside how often sessions come back to an item so far back.

    Parameters
    ----------
    member : the model that knows of items; fitted with it.
    weight : how much the member's shares count, the shares of coming back counting once. ``None`` takes the one of
        ``WEIGHTS`` with the best MRR on the newest tenth of the sessions, learned without them.
    reach : different last items that are looked at.

    Learned: ``again_`` (shape ``(reach,)``), the share of steps that come back to the ``j``-th last different item,
    of those that had one; ``weight_``.
    """

    def __init__(self, member: SessionModel, *, weight: float | None = None, reach: int = 50) -> None:
        self.member = member
        self.weight = weight
        self.reach = reach
        self.name = f"{member.name}_with_repeats"

    def fit(self, steps: Steps) -> Self:
        """Fit the member too; raises ``NotEnoughData`` where there is no step at all."""
        self.weight_ = self._best_weight(steps) if self.weight is None else self.weight
        self.member.fit(steps)
        return super().fit(steps)

    def _learn(self, steps: Steps) -> None:
        start = steps.starts[:-1][steps.session]
        step = np.flatnonzero(np.arange(len(steps)) > start)[-_COUNTED:]
        newest = Contexts(steps.items, steps.item, start[step], step, steps.time[step]).newest(self.reach)
        back = _different_back(newest)
        same = (newest == steps.item[step][:, None]) & (back >= 0)
        came = np.bincount(back[same], minlength=self.reach)
        there = np.bincount(back[back >= 0], minlength=self.reach)
        self.again_ = came / (there + _SHRINK)

    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        again, known = self._parts(contexts, width)
        return sparse.csr_array(again + self.weight_ * known)

    def _parts(self, contexts: Contexts, width: int) -> tuple[sparse.csr_array, sparse.csr_array]:
        """Shares of coming back, and the member's; both shape ``(n, width)``."""
        newest = contexts.newest(self.reach)
        back = _different_back(newest)
        rows, places = np.nonzero(back >= 0)
        shape = (len(contexts), width)
        again = sparse.csr_array((self.again_[back[rows, places]], (rows, newest[rows, places])), shape=shape)
        known = self.member._scores(contexts, width)
        total = np.asarray(known.sum(axis=1)).ravel()
        share = np.divide(1.0, total, out=np.zeros(len(total)), where=total > 0)
        return again, sparse.csr_array(sparse.diags_array(share) @ known)

    def _best_weight(self, steps: Steps) -> float:
        """Of ``WEIGHTS``, by MRR on the newest sessions."""
        held = np.arange(len(steps.sessions)) >= len(steps.sessions) - len(steps.sessions) // 10
        before, newest = steps.of_sessions(~held), steps.of_sessions(held)
        session = newest.session
        second = np.flatnonzero(session[1:] == session[:-1]) + 1
        if not len(before) or not len(second):
            return _UNTOLD
        step = np.sort(np.random.default_rng(0).choice(second, min(_JUDGED, len(second)), replace=False))
        asked = Contexts(newest.items, newest.item, newest.starts[:-1][session[step]], step, newest.time[step - 1])
        model = WithRepeats(deepcopy(self.member), weight=1.0, reach=self.reach).fit(before)
        items, contexts = model._together(asked)
        target = place_of(newest.items, items)[newest.item[step]]
        worth = dict.fromkeys(WEIGHTS, 0.0)
        size = block_size(len(items))
        for start in range(0, len(contexts), size):
            part = slice(start, start + size)
            again, known = model._parts(contexts.rows(part), len(items))
            for weight in WEIGHTS:
                item, _ = best_of(sparse.csr_array(again + weight * known), _LENGTH)
                _, place = np.nonzero(item == target[part][:, None])
                worth[weight] += float((1.0 / (1.0 + place)).sum())
        return max(WEIGHTS, key=lambda weight: round(worth[weight], 9))


def _different_back(newest: Codes) -> Codes:
    """How many different items back each is, 0 for the newest; -1 for none, and where it stood nearer already."""
    different = without_repeats(newest) >= 0
    return np.where(different, np.cumsum(different, axis=1) - 1, -1)

"""Coming back to what the session had before, counted, around any other member.

How often the next item is the last one again, the one before it, and so on is counted over all sessions, and added to
what the member says. Where items are many and sessions few, members know next to nothing of most items, and that
people come back to them is nearly all there is to know.

Source: the split into repeating and exploring is that of P. Ren et al., "RepeatNet: a repeat aware neural
recommendation machine for session-based recommendation" (2019), https://doi.org/10.1609/aaai.v33i01.33014806; counted
here, where theirs is learned by a network.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from ml.recommend.sessions.model import SessionModel
from ml.recommend.sessions.steps import Codes, Contexts, Steps, without_repeats

#: Added to how often a place was there to come back to: few sessions have many items, and chance would decide.
_SHRINK = 10.0


class WithRepeats(SessionModel):
    """A member's scores, in shares of their sum, beside how often sessions come back to an item so far back.

    Parameters
    ----------
    member : the model that knows of items; fitted with it.
    weight : how much the member's shares count, the shares of coming back counting once.
    reach : different last items that are looked at.

    Learned: ``again_`` (shape ``(reach,)``), the share of steps that come back to the ``j``-th last different item,
    of those that had one.
    """

    def __init__(self, member: SessionModel, *, weight: float = 2.0, reach: int = 30) -> None:
        self.member = member
        self.weight = weight
        self.reach = reach
        self.name = f"{member.name}_with_repeats"

    def fit(self, steps: Steps) -> Self:
        """Fit the member too; raises ``NotEnoughData`` where there is no step at all."""
        self.member.fit(steps)
        return super().fit(steps)

    def _learn(self, steps: Steps) -> None:
        step = np.arange(len(steps))
        start = steps.starts[:-1][steps.session]
        later = step > start
        newest = Contexts(steps.items, steps.item, start[later], step[later], steps.time[later]).newest(self.reach)
        back = _different_back(newest)
        same = (newest == steps.item[later][:, None]) & (back >= 0)
        came = np.bincount(back[same], minlength=self.reach)
        there = np.bincount(back[back >= 0], minlength=self.reach)
        self.again_ = came / (there + _SHRINK)

    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        newest = contexts.newest(self.reach)
        back = _different_back(newest)
        rows, places = np.nonzero(back >= 0)
        shape = (len(contexts), width)
        again = sparse.csr_array((self.again_[back[rows, places]], (rows, newest[rows, places])), shape=shape)
        known = self.member._scores(contexts, width)
        total = np.asarray(known.sum(axis=1)).ravel()
        share = np.divide(self.weight, total, out=np.zeros(len(total)), where=total > 0)
        return sparse.csr_array(again + sparse.diags_array(share) @ known)


def _different_back(newest: Codes) -> Codes:
    """How many different items back each is, 0 for the newest; -1 for none, and where it stood nearer already."""
    different = without_repeats(newest) >= 0
    return np.where(different, np.cumsum(different, axis=1) - 1, -1)

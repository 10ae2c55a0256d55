"""Next-item evaluation: at every position of every held-out session, is what came next in the list?

HR@k is the share of positions whose next item is among the first ``k``, MRR@k the mean of ``1 / rank`` (0 where it is
not among them). Intervals are over sessions: positions of one session are not independent.

A good part of next items was in the session before. ``repeats`` says how many; *all* judges lists that may repeat the
session's items on all positions, and *new* lists that may not on those positions whose next item is new to the session.

Source: M. Ludewig and D. Jannach, "Evaluation of session-based recommendation algorithms" (2018), section 4,
https://doi.org/10.1007/s11257-018-9209-6.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate, Floats, percentile_interval
from ml.recommend.sessions.model import NextItems, place_of
from ml.recommend.sessions.steps import Codes, Contexts, Mask, Steps

#: Length of the lists that are judged.
K = 20
_RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Positions:
    """``n`` moments with what came next.

    ``contexts`` is what was known, ``target`` (shape ``(n,)``) the next item as a number in ``contexts.items``,
    ``session`` (``(n,)``) whose moment it is. ``repeats``: the session knew the item before. ``known``: the item was
    there to learn from. ``newcomer``: the visitor was not (``None`` where visitors are not known).
    """

    contexts: Contexts
    target: Codes
    session: Codes
    repeats: Mask
    known: Mask
    newcomer: Mask | None

    def __len__(self) -> int:
        return len(self.target)

    def rows(self, chosen: Mask) -> Positions:
        """The chosen moments."""
        return Positions(
            self.contexts.rows(chosen),
            self.target[chosen],
            self.session[chosen],
            self.repeats[chosen],
            self.known[chosen],
            None if self.newcomer is None else self.newcomer[chosen],
        )


def positions(test: Steps, training: Steps, wanted: Mask | None = None) -> Positions:
    """Every step of ``test`` but the first of each session, with the steps before it.

    ``wanted`` (shape ``(n,)`` of ``test``) keeps some of them, purchases say. Raises ``NotEnoughData`` where there
    is none: sessions of one step have nothing that comes next.
    """
    session = test.session
    step = np.arange(len(test))
    start = test.starts[:-1][session]
    chosen = step > start
    if wanted is not None:
        chosen &= wanted
    if not chosen.any():
        raise NotEnoughData("sessions to judge by", "one with a second item", f"{len(test.sessions)} without")
    # a step repeats where the same session had the same item before
    order = np.lexsort((step, test.item, session))
    repeats = np.zeros(len(test), dtype=bool)
    repeats[order[1:]] = (np.diff(session[order]) == 0) & (np.diff(test.item[order]) == 0)
    newcomer = None
    if test.visitors is not None and training.visitors is not None:
        newcomer = ~np.isin(test.visitors.astype(str), training.visitors.astype(str))[session[chosen]]
    return Positions(
        contexts=Contexts(test.items, test.item, start[chosen], step[chosen], test.time[step[chosen] - 1]),
        target=test.item[chosen],
        session=session[chosen],
        repeats=repeats[chosen],
        known=place_of(test.items, training.items)[test.item[chosen]] >= 0,
        newcomer=newcomer,
    )


@dataclass(frozen=True, eq=False)
class Hits:
    """What lists were worth at ``n`` positions: ``rank`` (shape ``(n,)``) of the next item, 0 where it is not among the
    ``k``; ``coverage``: the share of the items learned from that any list held; ``seconds`` of CPU to answer."""

    rank: Codes
    k: int
    coverage: float
    seconds: float

    @property
    def hit(self) -> Floats:
        """1 where the next item is in the list, shape ``(n,)``."""
        return (self.rank > 0).astype(float)

    @property
    def reciprocal(self) -> Floats:
        """1 / rank, 0 where it is not in the list, shape ``(n,)``."""
        found: Floats = np.divide(1.0, self.rank, out=np.zeros(len(self.rank)), where=self.rank > 0)
        return found


def judge(model: NextItems, at: Positions, training: Steps, *, k: int = K, filter_seen: bool = False) -> Hits:
    """Ask a fitted model at every position, ``training`` being what it was fitted on."""
    started = time.process_time()
    ranked = model.recommend(at.contexts, k, filter_seen=filter_seen)
    seconds = time.process_time() - started
    target = place_of(at.contexts.items, ranked.items)[at.target]
    same = ranked.item == target[:, None]
    rank = np.where(same.any(axis=1), same.argmax(axis=1) + 1, 0)
    shown = np.unique(ranked.item[ranked.item >= 0])
    shown = shown[place_of(ranked.items[shown], training.items) >= 0]
    return Hits(rank.astype(np.int64), k, len(shown) / max(len(training.items), 1), seconds)


class SessionResamples:
    """Bootstrap resamples of sessions, the same for every figure that is asked of one object.

    Figures are means over positions; a resample draws sessions with all of their positions.
    """

    def __init__(self, session: Codes, *, n_resamples: int = _RESAMPLES, random_state: int = 42) -> None:
        _, self.member = np.unique(session, return_inverse=True)
        self.size = int(self.member.max(initial=-1)) + 1
        generator = np.random.default_rng(random_state)
        self.weights = (
            np.stack(
                [
                    np.bincount(generator.integers(0, self.size, self.size), minlength=self.size).astype(np.float32)
                    for _ in range(n_resamples)
                ]
            )
            if self.size
            else np.zeros((n_resamples, 0), dtype=np.float32)
        )

    def mean(self, values: Floats, among: Mask | None = None, level: float = 0.95) -> Estimate | None:
        """Mean of ``values`` (shape ``(n,)``) over the positions ``among``, with its interval; ``None`` of none."""
        inside = np.ones(len(values)) if among is None else among.astype(float)
        if not inside.any():
            return None
        total = np.bincount(self.member, weights=values * inside, minlength=self.size)
        count = np.bincount(self.member, weights=inside, minlength=self.size)
        drawn = self.weights @ np.stack([total, count], axis=1)
        drawn = drawn[drawn[:, 1] > 0]
        low, high = percentile_interval(drawn[:, 0] / drawn[:, 1], level)
        value = float(total.sum() / count.sum())
        return Estimate(value, min(low, value), max(high, value), int(inside.sum()))


def figures(at: Positions, hits: Hits, resamples: SessionResamples) -> dict[str, Estimate | float | None]:
    """HR and MRR over all positions, and HR where the next item repeats, is new, or follows the session's first item
    alone; in sessions of newcomers and of regulars; coverage and seconds of CPU."""
    first = at.contexts.ends - at.contexts.starts == 1
    of: dict[str, Estimate | float | None] = {
        f"hr@{hits.k}": resamples.mean(hits.hit),
        f"mrr@{hits.k}": resamples.mean(hits.reciprocal),
        f"hr@{hits.k}_repeats": resamples.mean(hits.hit, at.repeats),
        f"hr@{hits.k}_new": resamples.mean(hits.hit, ~at.repeats),
        f"hr@{hits.k}_after_first": resamples.mean(hits.hit, first),
    }
    if at.newcomer is not None:
        of[f"hr@{hits.k}_newcomers"] = resamples.mean(hits.hit, at.newcomer)
        of[f"hr@{hits.k}_regulars"] = resamples.mean(hits.hit, ~at.newcomer)
    return {**of, f"coverage@{hits.k}": hits.coverage, "seconds": hits.seconds}


def describe(at: Positions, resamples: SessionResamples) -> dict[str, Estimate | None]:
    """What the positions are like, whoever answers: how many repeat an item of their session, how many are of items
    there was nothing to learn of, and of visitors nobody had met."""
    return {
        "repeat_share": resamples.mean(at.repeats.astype(float)),
        "unknown_item_share": resamples.mean((~at.known).astype(float)),
        "newcomer_share": None if at.newcomer is None else resamples.mean(at.newcomer.astype(float)),
    }


def gain(
    better: Hits, than: Hits, resamples: SessionResamples, *, metric: str = "mrr", level: float = 0.95
) -> Estimate | None:
    """How much larger a model's MRR or HR (``metric`` "mrr" or "hr") is than another's on the same positions.

    Raises ``ValueError`` for another metric.
    """
    if metric not in ("mrr", "hr"):
        raise ValueError(f"metric: expected mrr or hr, got {metric}")
    one, other = (better.reciprocal, than.reciprocal) if metric == "mrr" else (better.hit, than.hit)
    return resamples.mean(one - other, level=level)


def table(found: dict[str, dict[str, Estimate | float | None]]) -> pd.DataFrame:
    """Models as rows and figures as columns, text such as ``.412 (.405 to .419)``, to read."""

    def shown(figure: Estimate | float | None) -> str:
        if isinstance(figure, Estimate):
            return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
        return "" if figure is None else f"{figure:.3f}"

    return pd.DataFrame({name: {of: shown(value) for of, value in its.items()} for name, its in found.items()}).T

"""Which session model serves a shop: all of them on its own newest days, and the contest that everything else has.

The best two of different families are also fused. Which two these are is settled on the days before those that all
are judged on, since the best of many on the same days is partly luck.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ml.deep import has_torch, next_item_network
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate
from ml.evaluation.results import Measured, Subject
from ml.recommend.sessions.fusion import RankFusion
from ml.recommend.sessions.item_pairs import ItemCoView, SessionItemKnn
from ml.recommend.sessions.model import NextItems, SessionModel
from ml.recommend.sessions.neighbours import Stan, Vsknn
from ml.recommend.sessions.next_item import (
    Hits,
    K,
    Positions,
    SessionResamples,
    describe,
    figures,
    gain,
    judge,
    positions,
)
from ml.recommend.sessions.popularity import OwnItems, Popular, PopularInCategory
from ml.recommend.sessions.repeats import WithRepeats
from ml.recommend.sessions.sequential_rules import SequentialRules
from ml.recommend.sessions.steps import Mask, Steps
from ml.registry.contest import Contender, Verdict, decide

#: Days that models are judged on, and as many before them to settle which two are fused.
DAYS = 7
#: Held-out sessions that models are judged on; more would narrow intervals that are narrow already.
JUDGED_SESSIONS = 10_000
#: The naive member that whoever serves is shown against.
BASELINE = ItemCoView.name
NEURAL = "gru_next_item"
_DAY = 86_400_000_000
_FUSION_SIMPLICITY, _DOUBT = 5, 0.05


@dataclass(frozen=True)
class Candidate:
    """A model that may serve; ``simplicity`` as in ``ml.registry.contest``, 0 for what is naive.

    Two of one ``family`` know the same of items, and are not fused.
    """

    name: str
    simplicity: int
    build: Callable[[], NextItems]
    family: str = ""


def candidates() -> tuple[Candidate, ...]:
    """All members that need no torch, the simplest first."""
    return (
        Candidate("popular", 0, Popular),
        Candidate("popular_recent", 0, lambda: Popular(days=DAYS)),
        Candidate("popular_in_category", 0, PopularInCategory),
        Candidate("own_items", 0, OwnItems),
        Candidate("item_co_view", 0, ItemCoView),
        *_alone_and_with_repeats(1, SequentialRules),
        *_alone_and_with_repeats(2, SessionItemKnn),
        *_alone_and_with_repeats(3, Vsknn),
        *_alone_and_with_repeats(4, Stan),
    )


def _alone_and_with_repeats(simplicity: int, build: Callable[[], SessionModel]) -> tuple[Candidate, Candidate]:
    alone, repeating = build(), WithRepeats(build())
    return (
        Candidate(alone.name, simplicity, build, alone.name),
        Candidate(repeating.name, simplicity, lambda: WithRepeats(build()), alone.name),
    )


@dataclass(frozen=True, eq=False)
class Choice:
    """What the back-test found.

    ``verdict`` names the winner and says why, ``build`` makes it, unfitted. ``at`` are the positions judged,
    ``hits`` and ``figures`` each member's on them, ``fused`` the names of the two members of the fusion (none where
    history is too short to settle which).
    """

    verdict: Verdict
    build: Callable[[], NextItems]
    at: Positions
    hits: dict[str, Hits]
    figures: dict[str, dict[str, Estimate | float | None]]
    fused: tuple[str, ...]
    resamples: SessionResamples = field(repr=False)

    @property
    def winner(self) -> str:
        """The name of the model that shall serve."""
        return self.verdict.winner

    def gain(self, name: str, over: str = BASELINE, metric: str = "mrr") -> Estimate | None:
        """How much larger a member's MRR (or HR) is than another's, with the interval of the paired difference."""
        return gain(self.hits[name], self.hits[over], self.resamples, metric=metric)


def choose(
    steps: Steps,
    *,
    days: int = DAYS,
    k: int = K,
    among: Sequence[Candidate] | None = None,
    champion: str | None = None,
    with_neural: bool = False,
    filter_seen: bool = False,
    random_state: int = 42,
) -> Choice:
    """Judge every candidate and the fusion of the best two on the sessions of the newest ``days``.

    Parameters
    ----------
    steps : a shop's sessions; those that lie on both sides of a cut are left out of what is learned and judged.
    among : who may serve, ``candidates()`` unless told. ``champion`` : the name of what serves now.
    with_neural : also the GRU, where torch is installed. It serves only if it beats the contest's winner beyond doubt.
    filter_seen : judge lists that hold none of the session's items, on the positions whose next item is new to it, as
        for a strip that shows only what was not seen yet.

    MRR decides, over all positions unless ``filter_seen``. Raises ``NotEnoughData`` where no session before the cut had
    a second item, or none after it.
    """
    stand = list(candidates() if among is None else among)
    training, test = split(steps, days)
    at = _moments(test, training, filter_seen, random_state)
    pair = _best_two(training, stand, days, k, filter_seen, random_state)
    if pair:
        built = [one.build for one in stand if one.name in pair]
        stand.append(
            Candidate("fusion", _FUSION_SIMPLICITY, lambda: RankFusion([build() for build in built], name="fusion"))
        )
    resamples = SessionResamples(at.session, random_state=random_state)
    neural = [Candidate(NEURAL, 9, lambda: next_item_network(random_state))] if with_neural and has_torch() else []
    hits = {
        one.name: judge(one.build().fit(training), at, training, k=k, filter_seen=filter_seen)
        for one in [*stand, *neural]
    }

    def compare(new: str, old: str, level: float) -> Estimate | None:
        return gain(hits[new], hits[old], resamples, level=level)

    verdict = decide(
        [Contender(one.name, one.simplicity) for one in stand],
        {one.name: float(hits[one.name].reciprocal.mean()) for one in stand},
        compare,
        champion,
    )
    for one in neural:
        over = compare(one.name, verdict.winner, 1 - _DOUBT / len(stand))
        if over is not None and over.low > 0:
            shown = f"{over.value:.4f} ({over.low:.4f} to {over.high:.4f})"
            verdict = Verdict(one.name, f"{one.name} beats {verdict.winner} by {shown}", one.name, {})
    return Choice(
        verdict=verdict,
        build=next(one.build for one in [*stand, *neural] if one.name == verdict.winner),
        at=at,
        hits=hits,
        figures={name: figures(at, found, resamples) for name, found in hits.items()},
        fused=pair,
        resamples=resamples,
    )


def split(steps: Steps, days: int) -> tuple[Steps, Steps]:
    """Sessions that were over ``days`` before the newest step, and those that began after that.

    Raises ``NotEnoughData`` where either has no session of two steps.
    """
    if len(steps) == 0:
        raise NotEnoughData("sessions", f"sessions of {days} days, and of the days before them", "none")
    cut = int(steps.time.max()) - days * _DAY
    parts = steps.of_sessions(steps.ended <= cut), steps.of_sessions(steps.time[steps.starts[:-1]] > cut)
    for part, when in zip(parts, (f"more than {days} days back", f"of the newest {days} days"), strict=True):
        if not (np.diff(part.starts) > 1).any():
            raise NotEnoughData(f"sessions {when}", "one with a second item", f"{len(part.sessions)} without")
    return parts


def evaluation_rows(choice: Choice, shop: Subject) -> list[Measured]:
    """Rows of ``ml.evaluation``: every figure of every member, its gain over the baseline, and what the positions are
    like (as ``positions``). ``shop`` says capability, shop, date, seed and version; its ``model`` is not read."""

    def of(model: str, metric: str, figure: Estimate | float | None, **detail: object) -> Measured:
        subject = Subject(shop.capability, shop.shop_id, shop.as_of, model, shop.seed, shop.model_version)
        return Measured(subject, metric, figure, len(choice.at), detail)

    rows = [of("positions", name, figure) for name, figure in describe(choice.at, choice.resamples).items()]
    for name, found in choice.figures.items():
        chosen = name == choice.winner
        rows += [of(name, metric, figure, chosen=chosen) for metric, figure in found.items()]
        if name != BASELINE and BASELINE in choice.hits:
            for metric in ("mrr", "hr"):
                k = choice.hits[name].k
                rows.append(of(name, f"{metric}@{k}_gain", choice.gain(name, metric=metric), over=BASELINE))
    return rows


def _best_two(
    training: Steps, stand: Sequence[Candidate], days: int, k: int, filter_seen: bool, random_state: int
) -> tuple[str, ...]:
    """Names of the two best that are not naive, of different families, on the last days of what is learned from; none
    where these days are too few."""
    models = [one for one in stand if one.simplicity > 0]
    if len({one.family for one in models}) < 2:
        return ()
    try:
        before, newest = split(training, days)
        at = _moments(newest, before, filter_seen, random_state)
    except NotEnoughData:
        return ()
    values = {
        one.name: judge(one.build().fit(before), at, before, k=k, filter_seen=filter_seen).reciprocal.mean()
        for one in models
    }
    best = sorted(models, key=lambda one: (-round(float(values[one.name]), 9), one.simplicity, one.name))
    second = next(one for one in best if one.family != best[0].family)
    return best[0].name, second.name


def _moments(test: Steps, training: Steps, filter_seen: bool, random_state: int) -> Positions:
    """Positions of some of the sessions; with ``filter_seen`` those whose next item is new."""
    at = positions(_some(test, random_state), training)
    if not filter_seen:
        return at
    if at.repeats.all():
        raise NotEnoughData("sessions to judge by", "one that goes on to a new item", f"{len(test.sessions)} without")
    return at.rows(~at.repeats)


def _some(test: Steps, random_state: int) -> Steps:
    """At most ``JUDGED_SESSIONS`` of the sessions with a second step, drawn with a seed."""
    chosen: Mask = np.diff(test.starts) > 1
    if chosen.sum() > JUDGED_SESSIONS:
        drawn = np.random.default_rng(random_state).choice(np.flatnonzero(chosen), JUDGED_SESSIONS, replace=False)
        chosen = np.zeros(len(chosen), dtype=bool)
        chosen[drawn] = True
    return test.of_sessions(chosen)

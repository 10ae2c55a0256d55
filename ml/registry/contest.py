"""Who serves: a challenger that beats the champion beyond doubt, or one that ties with it and is simpler.

All contenders are judged on the same held-out rows by the interval of the paired difference. With several
challengers one may look better by luck, so the interval's level is divided among them (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ml.evaluation.intervals import Estimate

_DOUBT = 0.05


@dataclass(frozen=True)
class Contender:
    """A model, or naive baseline: ``simplicity`` is 0 for baselines, then as in ``ml.learners.candidates``."""

    name: str
    simplicity: int


@dataclass(frozen=True)
class Verdict:
    """The ``winner``'s name, why in words, and the leader's gain over each contender (the leader has none)."""

    winner: str
    reason: str
    leader: str
    gains: dict[str, Estimate] = field(default_factory=dict)


#: The paired gain of the first named over the second at an interval level; ``None`` where not defined.
Compare = Callable[[str, str, float], Estimate | None]


def decide(
    contenders: Sequence[Contender], values: dict[str, float], compare: Compare, champion: str | None
) -> Verdict:
    """Choose among ``contenders``.

    Parameters
    ----------
    values : each contender's measure on the held-out rows, larger is better.
    compare : the paired gain, e.g. of AUC by ``compare_probabilities``.
    champion : the name of what serves now, if it is among the contenders.

    The leader is who measures best. Who the leader does not beat beyond the interval ties with it; of
    these the simplest wins, but a champion among them yields only to a simpler one. Raises ``ValueError``
    without contenders.
    """
    if not contenders:
        raise ValueError("contenders: expected at least one")
    by_name = {contender.name: contender for contender in contenders}
    leader = min(contenders, key=lambda one: (-round(values[one.name], 9), one.simplicity, one.name))
    level = 1 - _DOUBT / max(len(contenders) - 1, 1)
    gains: dict[str, Estimate] = {}
    for contender in contenders:
        if contender.name != leader.name:
            found = compare(leader.name, contender.name, level)
            if found is not None:
                gains[contender.name] = found
    tied = [one for one in contenders if one.name not in gains or gains[one.name].low <= 0]
    simplest = min(tied, key=lambda one: (one.simplicity, -round(values[one.name], 9), one.name))
    serving = by_name.get(champion) if champion else None
    if serving is None:
        return Verdict(simplest.name, _first(simplest, leader, tied), leader.name, gains)
    if serving in tied:
        if simplest.simplicity < serving.simplicity:
            reason = f"{simplest.name} ties with {serving.name} and is simpler"
            return Verdict(simplest.name, reason, leader.name, gains)
        reason = f"{serving.name} stays: nothing beats it beyond the interval, and nothing that ties is simpler"
        return Verdict(serving.name, reason, leader.name, gains)
    # The simplest that ties with the leader must itself beat the champion, or tie with it and be simpler.
    for contender in sorted(tied, key=lambda one: (one.simplicity, -round(values[one.name], 9), one.name)):
        over = compare(contender.name, serving.name, level)
        if contender.simplicity < serving.simplicity and over is not None and over.low <= 0 <= over.high:
            reason = f"{contender.name} ties with {serving.name} and with the best, {leader.name}, and is simpler"
            return Verdict(contender.name, reason, leader.name, gains)
        if contender.name == leader.name or (over is not None and over.low > 0):
            shown = gains[serving.name] if contender.name == leader.name else over
            assert shown is not None
            reason = (
                f"{contender.name} beats {serving.name} by {shown.value:.4f} "
                f"({shown.low:.4f} to {shown.high:.4f}, level {level:.3f})"
            )
            return Verdict(contender.name, reason, leader.name, gains)
    raise AssertionError("the leader is among those that tie with it")


def _first(winner: Contender, leader: Contender, tied: Sequence[Contender]) -> str:
    if winner.simplicity == 0:
        return f"no model beats the baseline {winner.name} beyond the interval, so the baseline serves"
    if winner.name == leader.name:
        return f"{winner.name} measures best, and nothing simpler ties with it"
    return f"{winner.name} is the simplest of {len(tied)} that tie with the best, {leader.name}"

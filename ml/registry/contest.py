"""Who serves: a challenger that beats the champion beyond doubt, or one as good as the best that is simpler.

All contenders are judged on the same held-out rows by the paired difference. *Better beyond doubt* is an interval of
95 % that leaves out zero; with several challengers one may look better by luck, so its level is divided among them
(Bonferroni). *As good* is within one standard error of the best: an interval of 95 % on few customers would call
everything as good, and a small shop would always get the simplest model there is. A naive baseline has the benefit
of the doubt: it is as good until it is beaten beyond doubt.

Source: L. Breiman, J. Friedman, R. Olshen, C. Stone, *Classification and Regression Trees* (1984), chapter 3.4.3,
on the one-standard-error rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ml.evaluation.intervals import Estimate

_DOUBT = 0.05
#: Level of an interval of one standard error to either side.
_ONE_ERROR = 0.6827


@dataclass(frozen=True)
class Contender:
    """A model, or naive baseline: ``simplicity`` is 0 for baselines, then as in ``ml.learners.candidates``."""

    name: str
    simplicity: int


@dataclass(frozen=True)
class Verdict:
    """The ``winner``'s name, why in words, the ``leader`` (who measures best) and its gain over each other
    contender with the interval of doubt, and the names of those that are ``as_good`` as it, itself among them."""

    winner: str
    reason: str
    leader: str
    gains: dict[str, Estimate] = field(default_factory=dict)
    as_good: tuple[str, ...] = ()


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

    Without a champion the simplest serves of those as good as the leader. A champion that is as good yields only
    to a simpler one that is as good too. One that is not yields to the simplest as good that is simpler, or that
    beats it beyond doubt; where there is none, it stays. Raises ``ValueError`` without contenders.
    """
    if not contenders:
        raise ValueError("contenders: expected at least one")

    def order(one: Contender) -> tuple[float, float, str]:
        return one.simplicity, -round(values[one.name], 9), one.name

    leader = min(contenders, key=lambda one: (-round(values[one.name], 9), one.simplicity, one.name))
    strict = 1 - _DOUBT / max(len(contenders) - 1, 1)
    gains: dict[str, Estimate] = {}
    as_good = [leader]
    for contender in contenders:
        if contender.name == leader.name:
            continue
        found = compare(leader.name, contender.name, strict)
        if found is not None:
            gains[contender.name] = found
        near = found if contender.simplicity == 0 else compare(leader.name, contender.name, _ONE_ERROR)
        if near is None or near.low <= 0:
            as_good.append(contender)
    as_good.sort(key=order)
    names = tuple(one.name for one in as_good)

    def verdict(winner: Contender, reason: str) -> Verdict:
        return Verdict(winner.name, reason, leader.name, gains, names)

    serving = next((one for one in contenders if one.name == champion), None)
    simplest = as_good[0]
    if serving is None:
        return verdict(simplest, _first(simplest, leader, as_good))
    if serving in as_good:
        if simplest.simplicity < serving.simplicity:
            return verdict(simplest, f"{simplest.name} is as good as {serving.name} and simpler")
        return verdict(serving, f"{serving.name} stays: nothing is better, and nothing as good is simpler")
    for contender in as_good:
        if contender.simplicity < serving.simplicity:
            return verdict(
                contender, f"{contender.name} is as good as the best, {leader.name}, and simpler than {serving.name}"
            )
        over = compare(contender.name, serving.name, strict)
        if over is not None and over.low > 0:
            shown = f"{over.value:.4f} ({over.low:.4f} to {over.high:.4f}, level {strict:.3f})"
            return verdict(contender, f"{contender.name} beats {serving.name} by {shown}")
    return verdict(serving, f"{serving.name} stays: {leader.name} measures better, but not beyond doubt")


def _first(winner: Contender, leader: Contender, as_good: Sequence[Contender]) -> str:
    if winner.simplicity == 0:
        return f"no model beats the baseline {winner.name} beyond doubt, so the baseline serves"
    if winner.name == leader.name:
        return f"{winner.name} measures best, and nothing as good is simpler"
    return f"{winner.name} is the simplest of {len(as_good)} that are as good as the best, {leader.name}"

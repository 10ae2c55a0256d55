"""Sequence models (torch, extra ``deep``): evaluated beside the others, never needed.

Everything else works without torch; only building a model here asks for it.
"""

from __future__ import annotations

from importlib.util import find_spec

from sklearn.base import ClassifierMixin

from ml.recommend.sessions.model import NextItems


class TorchMissing(ImportError):
    """Raised where a sequence model is asked for and torch is not installed; says how to get it."""

    def __init__(self) -> None:
        super().__init__(
            "The sequence model needs torch, which is not installed: pip install 'footfall[deep]'. "
            "The build for processors alone is a tenth as large; see docs/sequence-model.md."
        )


def has_torch() -> bool:
    """Whether torch can be imported; does not import it."""
    return find_spec("torch") is not None


def sequence_classifier(seed: int) -> ClassifierMixin:
    """An unfitted sequence model from a seed, for a ``Candidate``; raises ``TorchMissing``."""
    if not has_torch():
        raise TorchMissing
    from ml.deep.gru_classifier import GruClassifier

    return GruClassifier(random_state=seed)


def next_item_network(seed: int) -> NextItems:
    """An unfitted session model from a seed, for the choice of what comes next; raises ``TorchMissing``."""
    if not has_torch():
        raise TorchMissing
    from ml.deep.next_item_gru import GruNextItem

    return GruNextItem(random_state=seed)

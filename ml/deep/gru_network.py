"""The network: a GRU over a session's steps, its last state beside the session's other features.

Source: K. Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014),
https://doi.org/10.3115/v1/D14-1179; for sessions B. Hidasi et al. (2016), https://arxiv.org/abs/1511.06939.

Imported only where torch is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn


class Sessions(NamedTuple):
    """Inputs of ``n`` sessions.

    ``kinds`` (shape ``(n, steps)``): the kind of each event, 0 for no event; ``channels`` (``(n, steps, c)``) its
    numbers; ``lengths`` (``(n,)``, at least 1) how many steps there are; ``static`` (``(n, k)``) all else.
    """

    kinds: torch.Tensor
    channels: torch.Tensor
    lengths: torch.Tensor
    static: torch.Tensor

    def rows(self, chosen: torch.Tensor) -> Sessions:
        """The chosen sessions."""
        return Sessions(*(part[chosen] for part in self))


class GruNetwork(nn.Module):
    """Log-odds per session, shape ``(n,)``."""

    def __init__(self, kinds: int, channels: int, static: int, *, embedding: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Embedding(kinds + 1, embedding, padding_idx=0)
        self.gru = nn.GRU(embedding + channels, hidden, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(hidden + static, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 1)
        )

    def forward(self, sessions: Sessions) -> torch.Tensor:
        """Reads every step, and answers with the state at each session's last one."""
        steps = torch.cat([self.embed(sessions.kinds), sessions.channels], dim=2)
        states, _ = self.gru(steps)
        last = states[torch.arange(len(states)), sessions.lengths - 1]
        answer: torch.Tensor = self.head(torch.cat([last, sessions.static], dim=1)).squeeze(1)
        return answer


class Course(NamedTuple):
    """How the network is trained: see ``GruClassifier``."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int


def train(
    network: GruNetwork,
    training: Sessions,
    y: torch.Tensor,
    held: Sessions,
    truth: torch.Tensor,
    course: Course,
    generator: torch.Generator,
) -> int:
    """Adam on the log-loss until ``held`` has not improved for ``patience`` epochs; returns the best epoch.

    The network is left as it was in that epoch.
    """
    loss = nn.BCEWithLogitsLoss()
    adam = torch.optim.AdamW(network.parameters(), lr=course.learning_rate, weight_decay=course.weight_decay)
    best, best_epoch, kept = float("inf"), 0, {name: part.clone() for name, part in network.state_dict().items()}
    for epoch in range(1, course.epochs + 1):
        network.train()
        for batch in torch.randperm(len(y), generator=generator).split(course.batch_size):
            adam.zero_grad()
            loss(network(training.rows(batch)), y[batch]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            adam.step()
        network.eval()
        with torch.no_grad():
            found = float(loss(network(held), truth))
        if found < best:
            best, best_epoch = found, epoch
            kept = {name: part.clone() for name, part in network.state_dict().items()}
        elif epoch - best_epoch >= course.patience:
            break
    network.load_state_dict(kept)
    network.eval()
    return best_epoch


def probabilities(network: GruNetwork, sessions: Sessions) -> npt.NDArray[np.float64]:
    """Shape ``(n,)``."""
    network.eval()
    with torch.no_grad():
        chances: npt.NDArray[np.float64] = torch.sigmoid(network(sessions).double()).numpy()
    return chances


@contextmanager
def repeatable(seed: int) -> Iterator[torch.Generator]:
    """One thread, deterministic algorithms and a seed of its own; the process's settings come back afterwards.

    One thread, since sums over several depend on how the work was divided.
    """
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        try:
            yield torch.Generator().manual_seed(seed)
        finally:
            torch.use_deterministic_algorithms(strict)
            torch.set_num_threads(threads)

"""A GRU that reads a session's items and says which comes next: GRU4Rec with all items as the choice.

Sources: B. Hidasi et al., "Session-based recommendations with recurrent neural networks" (2016),
https://arxiv.org/abs/1511.06939; B. Hidasi and A. Karatzoglou, "Recurrent neural networks with top-k gains for
session-based recommendations" (2018), https://arxiv.org/abs/1706.03847, on cross-entropy and on items that are read
with the numbers they are chosen by.

Imported only where torch is installed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import nn

from ml.deep.gru_network import repeatable
from ml.recommend.sessions.model import SessionModel
from ml.recommend.sessions.steps import Codes, Contexts, Steps

#: Contexts answered at a time, and items of an answer that are kept: lists are far shorter.
_BATCH, _KEPT = 512, 300


class NextItemNetwork(nn.Module):
    """Log-odds of every item at every place of a session.

    Item ``i`` is number ``i + 1`` in the input, 0 where there is none; shapes ``(n, steps)`` to
    ``(n, steps, items)``.
    """

    def __init__(self, items: int, *, hidden: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Embedding(items + 1, hidden, padding_idx=0)
        nn.init.normal_(self.embed.weight, std=hidden**-0.5)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.common = nn.Parameter(torch.zeros(items))

    def states(self, inputs: torch.Tensor) -> torch.Tensor:
        """The state after each step, shape ``(n, steps, hidden)``."""
        found, _ = self.gru(self.dropout(self.embed(inputs)))
        answer: torch.Tensor = self.dropout(found)
        return answer

    def log_odds(self, states: torch.Tensor) -> torch.Tensor:
        """Of every item, from states of shape ``(..., hidden)``."""
        return states @ self.embed.weight[1:].T + self.common


class _Windows(NamedTuple):
    """Stretches of sessions: ``inputs`` as the network reads them, ``targets`` what came after each, -1 for none."""

    inputs: torch.Tensor
    targets: torch.Tensor

    def rows(self, chosen: torch.Tensor) -> _Windows:
        return _Windows(self.inputs[chosen], self.targets[chosen])


class GruNextItem(SessionModel):
    """GRU4Rec: cross-entropy over items at every step, newest tenth of the sessions held out to stop by.

    Parameters
    ----------
    hidden : size of state and items. ``steps`` : last steps of a session that are read.
    most_items : the items seen most that it can name, so that memory is bounded; others are read as nothing.
    epochs, batch_size, learning_rate, weight_decay, dropout : as the words say. ``patience`` : epochs without a
        lower loss on the held-out sessions, after which training stops.
    random_state : seed of everything drawn; the same seed on the same machine gives the same lists.

    Learned by ``fit``: ``network_``, ``epochs_`` (the best one).
    """

    name = "gru_next_item"

    def __init__(
        self,
        hidden: int = 96,
        steps: int = 20,
        most_items: int = 20_000,
        epochs: int = 30,
        batch_size: int = 64,
        learning_rate: float = 0.003,
        weight_decay: float = 0.01,
        dropout: float = 0.3,
        patience: int = 3,
        random_state: int = 42,
    ) -> None:
        self.hidden = hidden
        self.steps = steps
        self.most_items = most_items
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.patience = patience
        self.random_state = random_state

    def _learn(self, steps: Steps) -> None:
        named = np.sort(self.popular_[: self.most_items])
        self.named_ = named
        self.number_ = np.zeros(len(steps.items), dtype=np.int64)
        self.number_[named] = np.arange(1, len(named) + 1)
        windows = self._windows(steps)
        count = len(windows.inputs)
        held = count // 10
        with repeatable(self.random_state) as generator:
            self.network_ = NextItemNetwork(len(named), hidden=self.hidden, dropout=self.dropout)
            # windows are in order of the sessions' age
            learned, newest = torch.arange(count - held), torch.arange(count - held, count)
            self.epochs_ = self._train(windows.rows(learned), windows.rows(newest), generator)

    def _windows(self, steps: Steps) -> _Windows:
        """Sessions of two steps and more, cut into stretches of ``steps`` with one step in common."""
        session = steps.session
        place = np.arange(len(steps)) - steps.starts[:-1][session]
        last = np.diff(steps.starts)[session] - 1
        # a stretch begins at every multiple of the length that has a step after it
        starts = np.flatnonzero((place % self.steps == 0) & (place < last))
        offset = np.arange(self.steps + 1)[None, :]
        inside = place[starts][:, None] + offset <= last[starts][:, None]
        cell = np.minimum(starts[:, None] + offset, len(steps) - 1)
        number = np.where(inside, self.number_[steps.item[cell]], 0)
        return _Windows(torch.from_numpy(number[:, :-1].copy()), torch.from_numpy(number[:, 1:] - 1))

    def _loss(self, windows: _Windows) -> torch.Tensor:
        wanted = windows.targets >= 0
        answer = self.network_.log_odds(self.network_.states(windows.inputs)[wanted])
        return nn.functional.cross_entropy(answer, windows.targets[wanted], reduction="sum")

    def _train(self, learned: _Windows, newest: _Windows, generator: torch.Generator) -> int:
        network = self.network_
        adam = torch.optim.AdamW(network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        best, best_epoch, kept = float("inf"), 0, _copy(network)
        for epoch in range(1, self.epochs + 1):
            network.train()
            for batch in torch.randperm(len(learned.inputs), generator=generator).split(self.batch_size):
                part = learned.rows(batch)
                adam.zero_grad()
                (self._loss(part) / max(int((part.targets >= 0).sum()), 1)).backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                adam.step()
            network.eval()
            with torch.no_grad():
                found = sum(float(self._loss(newest.rows(part))) for part in torch.arange(len(newest.inputs)).split(64))
            if found < best:
                best, best_epoch, kept = found, epoch, _copy(network)
            elif epoch - best_epoch >= self.patience:
                break
        network.load_state_dict(kept)
        network.eval()
        return best_epoch

    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        number = np.append(self.number_, np.zeros(width - len(self.number_) + 1, dtype=np.int64))
        # oldest first, with the empty places at the end, as in training
        newest = contexts.newest(self.steps)
        lengths = (newest >= 0).sum(axis=1)
        cell = lengths[:, None] - 1 - np.arange(self.steps)[None, :]
        inputs = np.where(cell >= 0, number[np.take_along_axis(newest, np.maximum(cell, 0), axis=1)], 0)
        kept = min(_KEPT, len(self.named_))
        columns: list[Codes] = []
        chances: list[npt.NDArray[np.float64]] = []
        with torch.no_grad(), repeatable(self.random_state):
            for part in torch.arange(len(contexts)).split(_BATCH):
                states = self.network_.states(torch.from_numpy(inputs)[part])
                last = states[torch.arange(len(part)), torch.from_numpy(np.maximum(lengths, 1) - 1)[part]]
                chance, place = torch.softmax(self.network_.log_odds(last).double(), dim=1).topk(kept, dim=1)
                chances.append(chance.numpy())
                columns.append(self.named_[place.numpy()])
        if not columns:
            return sparse.csr_array((0, width))
        rows = np.repeat(np.arange(len(contexts)), kept)
        data = np.maximum(np.concatenate(chances).ravel(), 1e-12)
        return sparse.csr_array((data, (rows, np.concatenate(columns).ravel())), shape=(len(contexts), width))


def _copy(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: part.clone() for name, part in network.state_dict().items()}

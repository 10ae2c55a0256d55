"""Frequent sets of items by Eclat: depth first, each item's baskets as a row of bits.

Source: M. J. Zaki, "Scalable algorithms for association mining", IEEE TKDE 12 (2000). Items are taken from rare to
frequent, and the search below an item sees only the baskets with that item: a bit stands for one of those, not for
one of all baskets, so that memory is bounded by one item's baskets times its partners.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.recommend.rules.baskets import Baskets

Codes = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]


class TooManySets(ValueError):
    """Raised where more sets are frequent than may be held: thresholds are too low for these baskets."""

    def __init__(self, most: int, least: int) -> None:
        self.most, self.least = most, least
        super().__init__(
            f"frequent sets: expected at most {most}, found more with at least {least} baskets each: "
            "raise min_support or min_count, or lower max_items"
        )

    def __reduce__(self) -> tuple[type[TooManySets], tuple[int, int]]:
        return type(self), (self.most, self.least)


@dataclass(frozen=True)
class FrequentSets:
    """Sets by size: ``codes[k]`` has shape ``(sets, k + 1)``, item numbers ascending, rows in lexicographic order;
    ``counts[k]`` (shape ``(sets,)``) says in how many baskets all of them are."""

    codes: tuple[Codes, ...]
    counts: tuple[Counts, ...]

    @property
    def total(self) -> int:
        """Number of sets of all sizes."""
        return sum(len(counts) for counts in self.counts)


def frequent_sets(baskets: Baskets) -> FrequentSets:
    """All sets of up to ``limits.max_items`` items in at least ``baskets.least`` baskets.

    Raises :class:`TooManySets` as soon as there are more than ``limits.most_sets``.
    """
    return Eclat(baskets).search(baskets.least)


class Eclat:
    """The lines of ``baskets`` in memory, for one search or several with other least counts."""

    def __init__(self, baskets: Baskets) -> None:
        self.most, self.longest = baskets.limits.most_sets, baskets.limits.max_items
        self.item_counts = baskets.item_counts
        found = baskets.connection.execute(
            f"SELECT basket_no, item_no FROM {baskets.coded} ORDER BY basket_no, item_no"
        ).fetchnumpy()
        rows, self.items = np.asarray(found["basket_no"]), np.asarray(found["item_no"], dtype=np.int32)
        # where a line's basket ends: partners with greater numbers are what follows the line
        starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]]) if len(rows) else np.empty(0, dtype=np.int64)
        lengths = np.diff(np.r_[starts, len(rows)])
        self.ends = np.repeat(starts + lengths, lengths)
        # the lines of each item, item by item
        self.lines = np.argsort(self.items, kind="stable")
        self.first_line = np.searchsorted(self.items[self.lines], np.arange(len(self.item_counts) + 1))
        # scratch that is zero between items: to clear all of it for each would cost the square of the items
        self.together = np.zeros(len(self.item_counts), dtype=np.int64)

    def search(self, least: int) -> FrequentSets:
        """All sets in at least ``least`` baskets, which is not less than the baskets were coded with.

        Raises :class:`TooManySets`.
        """
        self.least, self.total = least, 0
        self.found: list[list[tuple[Codes, Counts]]] = [[] for _ in range(self.longest)]
        n_items = len(self.item_counts)
        # numbers rise with counts, so what is not frequent comes first
        first = int(np.searchsorted(self.item_counts, least))
        self._keep((), np.arange(first, n_items, dtype=np.int32), self.item_counts[first:])
        for item in range(first, n_items):
            partners, bits, counts = self._partners(item)
            if len(partners):
                self._extend((item,), partners, bits, counts)
        return FrequentSets(
            tuple(
                np.concatenate([codes for codes, _ in level]) if level else np.empty((0, size), dtype=np.int32)
                for size, level in enumerate(self.found, start=1)
            ),
            tuple(
                np.concatenate([counts for _, counts in level]) if level else np.empty(0, dtype=np.int64)
                for level in self.found
            ),
        )

    def _partners(self, item: int) -> tuple[Codes, Bits, Counts]:
        """Items after ``item`` that are frequent with it, a row of bits each over the item's baskets, and counts."""
        own = self.lines[self.first_line[item] : self.first_line[item + 1]]
        after = self.ends[own] - own - 1
        n = int(after.sum())
        begins = np.cumsum(after) - after
        # line numbers of everything that follows the item in its baskets, as ranges laid end to end
        following = np.arange(n) - np.repeat(begins - own - 1, after)
        others = self.items[following]
        np.add.at(self.together, others, 1)
        kept = np.flatnonzero(self.together[others] >= self.least)
        partners = np.unique(others[kept])
        counts = self.together[partners]
        self.together[others] = 0
        if not len(partners):
            return partners, np.empty((0, 0), dtype=np.uint64), counts
        partner = np.searchsorted(partners, others[kept])
        basket = np.repeat(np.arange(len(own)), after)[kept]
        width = -(-len(own) // 64)
        bits = np.zeros(len(partners) * width, dtype=np.uint64)
        # each line is one bit of its own, so that adding bits is setting them
        np.add.at(bits, partner * width + (basket >> 6), np.left_shift(np.uint64(1), (basket & 63).astype(np.uint64)))
        return partners, bits.reshape(len(partners), width), counts

    def _extend(self, prefix: tuple[int, ...], items: Codes, bits: Bits, counts: Counts) -> None:
        """Keep ``prefix`` with each of ``items``, and look below each of them."""
        self._keep(prefix, items, counts)
        if len(prefix) + 1 >= self.longest:
            return
        for position in range(len(items) - 1):
            common = bits[position + 1 :] & bits[position]
            common_counts = np.bitwise_count(common).sum(axis=1, dtype=np.int64)
            frequent = np.flatnonzero(common_counts >= self.least)
            if len(frequent):
                self._extend(
                    (*prefix, int(items[position])),
                    items[position + 1 :][frequent],
                    common[frequent],
                    common_counts[frequent],
                )

    def _keep(self, prefix: tuple[int, ...], items: Codes, counts: Counts) -> None:
        self.total += len(items)
        if self.total > self.most:
            raise TooManySets(self.most, self.least)
        codes = np.empty((len(items), len(prefix) + 1), dtype=np.int32)
        codes[:, :-1] = prefix
        codes[:, -1] = items
        self.found[len(prefix)].append((codes, np.asarray(counts, dtype=np.int64)))

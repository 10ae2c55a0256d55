"""Addresses of the shop's pages and the words people search for, as numbered lists."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.catalogue import CATEGORIES, Catalogue

HOST = "https://shop.example.com"
HOME, CART_PAGE, CHECKOUT_PAGE, DONE_PAGE, ACCOUNT_PAGE = range(5)
_FIXED = ("/", "/cart", "/checkout", "/order/done", "/account")


@dataclass(frozen=True)
class Pages:
    """``addresses`` by page number; categories, search words and products follow the fixed pages."""

    addresses: tuple[str, ...]
    words: tuple[str, ...]
    _first_word: NDArray[np.int64]
    _word_count: NDArray[np.int64]

    def category(self, category: NDArray[np.int64]) -> NDArray[np.int64]:
        """Page number of each category's list."""
        return category + len(_FIXED)

    def search(self, word: NDArray[np.int64]) -> NDArray[np.int64]:
        """Page number of each search word's results."""
        return word + len(_FIXED) + len(CATEGORIES)

    def product(self, product: NDArray[np.int64]) -> NDArray[np.int64]:
        """Page number of each product."""
        return product + len(_FIXED) + len(CATEGORIES) + len(self.words)

    def draw_word(self, rng: np.random.Generator, category: NDArray[np.int64]) -> NDArray[np.int64]:
        """A search word of each category."""
        inside = (rng.random(len(category)) * self._word_count[category]).astype(np.int64)
        return self._first_word[category] + inside


def number_pages(catalogue: Catalogue) -> Pages:
    """Number every page of the shop."""
    counts = np.array([len(words) for _, _, words in CATEGORIES], dtype=np.int64)
    words = tuple(word for _, _, some in CATEGORIES for word in some)
    paths = [
        *_FIXED,
        *(f"/c/{path.lower()}" for path, _, _ in CATEGORIES),
        *(f"/search?q={quote(word)}" for word in words),
        *(f"/p/{sku}" for sku in catalogue.products["sku"]),
    ]
    return Pages(tuple(HOST + path for path in paths), words, np.cumsum(counts) - counts, counts)

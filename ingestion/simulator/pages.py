"""Addresses of the shop's pages, as a numbered list."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.catalogue import CATEGORIES, Catalogue
from ingestion.simulator.searches import SearchTerms

HOST = "https://shop.example.com"
HOME, CART_PAGE, CHECKOUT_PAGE, DONE_PAGE, ACCOUNT_PAGE, BYE_PAGE = range(6)
_FIXED = ("/", "/cart", "/checkout", "/order/done", "/account", "/logout")


@dataclass(frozen=True)
class Pages:
    """``addresses`` by page number: the fixed pages, category lists, search results, products."""

    addresses: tuple[str, ...]
    terms: int

    def category(self, category: NDArray[np.int64]) -> NDArray[np.int64]:
        """Page number of each category's list."""
        return category + len(_FIXED)

    def search(self, term: NDArray[np.int64]) -> NDArray[np.int64]:
        """Page number of each search term's results."""
        return term + len(_FIXED) + len(CATEGORIES)

    def product(self, product: NDArray[np.int64]) -> NDArray[np.int64]:
        """Page number of each product."""
        return product + len(_FIXED) + len(CATEGORIES) + self.terms


def number_pages(catalogue: Catalogue, terms: SearchTerms) -> Pages:
    """Number every page of the shop."""
    paths = [
        *_FIXED,
        *(f"/c/{path.lower()}" for path, _, _ in CATEGORIES),
        *(f"/search?q={quote(word)}" for word in terms.words),
        *(f"/p/{sku}" for sku in catalogue.products["sku"]),
    ]
    return Pages(tuple(HOST + path for path in paths), len(terms.words))

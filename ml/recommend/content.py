"""Items alike by what is written about them: the only model that knows an item which nobody has chosen yet.

Words carry English; two and three letters in a row carry Chinese, which writes no spaces, and forgive spelling.

Source: C. Manning, P. Raghavan, H. Schütze, *Introduction to Information Retrieval* (2008), chapter 6, on TF-IDF;
M. Pazzani, D. Billsus, "Content-based recommendation systems" (2007) on profiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from ml.recommend.interactions import ITEM, Codes, Ids, Interactions
from ml.recommend.item_sums import ItemSums
from ml.recommend.recommender import Scores

#: Columns of the catalogue beside ``item``; each may be absent, and each value missing.
TEXT, CATEGORY, BRAND, PRICE = "text", "category", "brand", "price"


@dataclass(frozen=True)
class ContentWeights:
    """How much each part of an item says of what it is like; the parts have length 1 before they are weighted."""

    words: float = 1.0
    letters: float = 0.5
    category: float = 0.7
    brand: float = 0.5
    price: float = 0.3


class Content(ItemSums):
    """similarity(i, j) = cosine of the items' vectors; a user's items add up by weight.

    Parameters
    ----------
    catalogue : one row per ``item`` with any of ``text``, ``category``, ``brand``, ``price``. Items of the
        interactions that are not in it are like nothing. An item of the catalogue that nobody has chosen is
        recommended if ``Interactions`` was made with it (``items=``).
    price_bands : into how many bands of equal numbers of items prices are cut.
    most_words, most_letters : the most frequent terms that are kept of each kind.

    Raises ``ValueError`` for a catalogue without ``item``, with an item twice, or with nothing else.
    """

    def __init__(
        self,
        catalogue: pd.DataFrame,
        *,
        weights: ContentWeights | None = None,
        price_bands: int = 5,
        most_words: int = 20_000,
        most_letters: int = 50_000,
        use_weights: bool = True,
    ) -> None:
        parts = [column for column in (TEXT, CATEGORY, BRAND, PRICE) if column in catalogue.columns]
        if ITEM not in catalogue.columns or not parts:
            raise ValueError(f"catalogue: expected {ITEM} and any of {TEXT}, {CATEGORY}, {BRAND}, {PRICE}")
        again = catalogue[ITEM][catalogue[ITEM].duplicated()]
        if len(again):
            raise ValueError(f"catalogue: expected each item once, got {again.iloc[0]!r} again")
        self.catalogue = catalogue
        self.weights = weights or ContentWeights()
        self.price_bands = price_bands
        self.most_words = most_words
        self.most_letters = most_letters
        self.use_weights = use_weights

    @property
    def name(self) -> str:
        """``content``."""
        return "content"

    def _learn(self, interactions: Interactions) -> None:
        self.profile_ = interactions.matrix if self.use_weights else interactions.binary
        self.vectors_ = self._vectors(interactions.items)

    def scores(self, rows: Codes) -> Scores:
        """The profile's vector against each item's: as the sum of similarities, without an item × item matrix."""
        return ((self.profile_[rows] @ self.vectors_) @ self.vectors_.T).tocsr()

    def item_scores(self, columns: Codes) -> Scores:
        """Cosine of vectors."""
        return (self.vectors_[columns] @ self.vectors_.T).tocsr()

    def because(self, recommended: pd.DataFrame) -> pd.DataFrame:
        """See :meth:`ItemSums.because`; the item × item matrix is made here only."""
        self.similarity_ = (self.vectors_ @ self.vectors_.T).tocsr()
        return super().because(recommended)

    def _vectors(self, items: Ids) -> sparse.csr_matrix:
        known = self.catalogue.assign(**{ITEM: self.catalogue[ITEM].map(str)}).set_index(ITEM).reindex(items)
        weights = self.weights
        blocks = []
        if TEXT in known.columns:
            text = known[TEXT].astype("object").where(known[TEXT].notna(), "").map(str)
            words = TfidfVectorizer(sublinear_tf=True, max_features=self.most_words, dtype=np.float32)
            letters = TfidfVectorizer(
                analyzer="char_wb",
                ngram_range=(2, 3),
                sublinear_tf=True,
                max_features=self.most_letters,
                dtype=np.float32,
            )
            blocks += [weights.words * _terms(words, text), weights.letters * _terms(letters, text)]
        for column, weight in ((CATEGORY, weights.category), (BRAND, weights.brand)):
            if column in known.columns:
                blocks.append(weight * _one_hot(known[column]))
        if PRICE in known.columns:
            price = pd.to_numeric(known[PRICE]).to_numpy(dtype=float)
            blocks.append(weights.price * _bands(price, self.price_bands))
        vectors = sparse.hstack(blocks, format="csr").astype(np.float32)
        length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
        scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
        return (sparse.diags(scale) @ vectors).tocsr().astype(np.float32)


def _terms(vectorizer: TfidfVectorizer, text: pd.Series) -> sparse.csr_matrix:
    try:
        return sparse.csr_matrix(vectorizer.fit_transform(text))
    except ValueError as error:
        # scikit-learn's way to say that no text holds a term
        if "empty vocabulary" not in str(error):
            raise
        return sparse.csr_matrix((len(text), 0), dtype=np.float32)


def _one_hot(values: pd.Series) -> sparse.csr_matrix:
    codes, names = pd.factorize(values)
    known = np.flatnonzero(codes >= 0)
    return sparse.csr_matrix(
        (np.ones(len(known), dtype=np.float32), (known, codes[known])), shape=(len(values), len(names))
    )


def _bands(price: np.ndarray, n_bands: int) -> sparse.csr_matrix:
    """One of ``n_bands`` columns for each known price; cut between the prices of equal numbers of items."""
    known = np.flatnonzero(np.isfinite(price))
    edges = np.quantile(price[known], np.linspace(0, 1, n_bands + 1)[1:-1]) if len(known) else np.zeros(0)
    band = np.searchsorted(edges, price[known], side="left")
    return sparse.csr_matrix((np.ones(len(known), dtype=np.float32), (known, band)), shape=(len(price), n_bands))

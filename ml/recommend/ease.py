"""Linear models of a whole row in closed form: EASE, the same on users, and denoising variants.

Sources: H. Steck, "Embarrassingly shallow autoencoders for sparse data" (2019), https://arxiv.org/abs/1905.03375
(EASE); H. Steck, "Autoencoders that don't overfit towards the identity" (2020) (dropout as a penalty, EDLAE);
J. Moon, H. Kim, J. Lee, "It's enough: relaxing diagonal constraints in linear autoencoders for recommender systems"
(2023), https://arxiv.org/abs/2305.12922 (RLAE, RDLAE).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from ml.recommend.interactions import Codes, Interactions
from ml.recommend.item_sums import ItemSums
from ml.recommend.recommender import BlockRecommender, Scores
from ml.recommend.top_items import Floats

#: Work grows with the cube of the number of items (or users): beyond this it is another model's task.
MOST_ITEMS = 15_000

Matrix = npt.NDArray[np.float64]


class EASE(ItemSums):
    """Each item is predicted from all others: B least in |X − XB|² + penalty, with a zero diagonal.

    Parameters
    ----------
    l2 : ridge penalty, in units of users who chose an item.
    dropout : probability that an input is dropped in training, which in closed form is a further penalty of
        dropout / (1 − dropout) × users of the item (EDLAE); 0 is EASE.
    diagonal : an item may explain itself up to this much (RLAE, RDLAE with dropout); 0 is EASE.
    user_power : users weigh as (number of items)^−``user_power``; 0 is EASE, above it the heaviest users count less.
    use_weights : learn from weights instead of which items were chosen.

    Raises ``ValueError`` at ``fit`` above :data:`MOST_ITEMS` items.
    """

    def __init__(
        self,
        l2: float = 300.0,
        *,
        dropout: float = 0.0,
        diagonal: float = 0.0,
        user_power: float = 0.0,
        use_weights: bool = False,
    ) -> None:
        if l2 <= 0:
            raise ValueError(f"l2: expected a number above 0, got {l2}")
        if not 0 <= dropout < 1 or not 0 <= diagonal < 1:
            raise ValueError(f"dropout, diagonal: expected numbers from 0 and below 1, got {dropout}, {diagonal}")
        self.l2 = l2
        self.dropout = dropout
        self.diagonal = diagonal
        self.user_power = user_power
        self.use_weights = use_weights

    @property
    def name(self) -> str:
        """``ease``, or the variant that the parameters make."""
        if self.diagonal:
            return "rdlae" if self.dropout else "rlae"
        return "edlae" if self.dropout else "ease"

    def scores(self, rows: Codes) -> Scores:
        """Dense; an item that nothing speaks for or against, such as one that nobody chose, has no score."""
        return nothing_is_never(super().scores(rows))

    def _learn(self, interactions: Interactions) -> None:
        _check_size(interactions.shape[1], "items")
        self.profile_ = interactions.matrix if self.use_weights else interactions.binary
        gram = _gram(self.profile_, self.user_power)
        self.similarity_ = autoencoder(gram, self.l2, dropout=self.dropout, diagonal=self.diagonal).astype(np.float32)


class UserEASE(BlockRecommender):
    """EASE of the transposed matrix: each user is predicted from all other users; parameters as of :class:`EASE`,
    ``item_power`` weighing items as (number of users)^−``item_power``.

    Raises ``ValueError`` at ``fit`` above :data:`MOST_ITEMS` users.
    """

    def __init__(
        self, l2: float = 300.0, *, dropout: float = 0.0, item_power: float = 0.0, use_weights: bool = False
    ) -> None:
        if l2 <= 0:
            raise ValueError(f"l2: expected a number above 0, got {l2}")
        self.l2 = l2
        self.dropout = dropout
        self.item_power = item_power
        self.use_weights = use_weights

    @property
    def name(self) -> str:
        """``user_ease`` or ``user_edlae``."""
        return "user_edlae" if self.dropout else "user_ease"

    def _learn(self, interactions: Interactions) -> None:
        _check_size(interactions.shape[0], "users")
        self.profile_ = interactions.matrix if self.use_weights else interactions.binary
        gram = _gram(self.profile_.T.tocsr(), self.item_power)
        self.weights_ = autoencoder(gram, self.l2, dropout=self.dropout).astype(np.float32)

    def scores(self, rows: Codes) -> Scores:
        """Sums over the other users' items; no score where none of them speaks for or against."""
        return nothing_is_never(np.ascontiguousarray(self.weights_[:, rows].T) @ self.profile_)


def nothing_is_never(scores: Floats) -> Floats:
    """``scores`` with -inf for those that are exactly 0: the sum of nothing."""
    return np.where(scores == 0, -np.inf, scores)


def autoencoder(gram: Matrix, l2: float, *, dropout: float = 0.0, diagonal: float = 0.0) -> Matrix:
    """The weights B, shape ``(n, n)``, of a linear autoencoder with ``gram`` = XᵀX, its diagonal at most ``diagonal``.

    With P = (XᵀX + Λ)⁻¹, Λ = ``l2`` + dropout / (1 − dropout) × diag(XᵀX): B = I − P·diag(κ) where κ_j is
    (1 − ``diagonal``) / P_jj where the constraint binds, and Λ_jj where it does not.
    """
    size = len(gram)
    if not size:
        return np.zeros((0, 0))
    penalty = l2 + dropout / (1 - dropout) * gram.diagonal()
    inverse = _inverse(gram + np.diag(penalty))
    own = inverse.diagonal()
    free = 1 - penalty * own
    kappa = np.where(free > diagonal, (1 - diagonal) / own, penalty)
    weights = -inverse * kappa
    # by the formula, but without its rounding: an item never explains itself by 1e-16
    np.fill_diagonal(weights, np.where(free > diagonal, diagonal, free) if diagonal else 0.0)
    return weights


def _gram(matrix: sparse.csr_matrix, power: float) -> Matrix:
    values = matrix.astype(np.float64).tocsr()
    if power:
        degree = np.maximum(np.diff(values.indptr), 1).astype(np.float64)
        values = sparse.diags(degree ** (-power / 2)) @ values
    return np.asarray((values.T @ values).todense())


def _inverse(matrix: Matrix) -> Matrix:
    """Of a symmetric positive definite matrix, by Cholesky: half the work of a general inverse."""
    factor, failed = linalg.lapack.dpotrf(matrix, lower=1, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError(f"the matrix is not positive definite (leading minor {failed})")
    inverse, failed = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError(f"the matrix is singular (element {failed})")
    lower = np.tril(inverse)
    return lower + np.tril(lower, -1).T


def _check_size(found: int, what: str) -> None:
    if found > MOST_ITEMS:
        raise ValueError(f"EASE: expected at most {MOST_ITEMS} {what}, got {found}: work grows with the cube")

"""The models that are tried on a shop's data, each with a few settings: coarse steps, as fusing evens out the rest.

Small and dense data want strong penalties (rows of a hundred items), large and thin ones weak penalties and few
neighbours; both ends are here, and inner splits choose (``tuning``).
"""

from __future__ import annotations

from functools import partial

from ml.recommend.als import ALS
from ml.recommend.ease import EASE, MOST_ITEMS, UserEASE
from ml.recommend.graph import RP3Beta
from ml.recommend.interactions import Interactions
from ml.recommend.item_knn import ItemKNN
from ml.recommend.popularity import Popularity
from ml.recommend.tuning import Maker
from ml.recommend.user_knn import UserKNN

#: (l2, user_power), (l2, item_power) and (factors, regularization, alpha).
_EASE = ((30.0, 0.3), (100.0, 0.3), (250.0, 0.15), (500.0, 0.0))
_USER_EASE = ((10.0, 0.5), (40.0, 0.5), (80.0, 0.5), (150.0, 0.25), (500.0, 0.0))
_ALS = ((24, 20.0, 3.0), (32, 20.0, 3.0), (32, 30.0, 5.0), (64, 20.0, 2.0), (64, 2.0, 10.0))
#: Above this many users or items the models that cost the cube of it are left out of the contest; they still work
#: up to ``ease.MOST_ITEMS``.
CUBIC_UP_TO = 6_000
#: Days that recent popularity looks back.
RECENT_DAYS = (7.0, 14.0, 30.0)


def popularity_candidates(interactions: Interactions) -> dict[str, Maker]:
    """The baselines: what all chose ever and, where times are known, lately."""
    found: dict[str, Maker] = {"popular": Popularity}
    if interactions.times is not None:
        found |= {f"popular_{days:g}_days": partial(Popularity, days) for days in RECENT_DAYS}
    return found


def personal_candidates(interactions: Interactions, *, cubic_up_to: int = CUBIC_UP_TO) -> dict[str, Maker]:
    """Everything that knows a person, by name; which ones depends on the size of ``interactions`` only.

    ``cubic_up_to`` is the largest number of items for EASE, or of users for user-side EASE, at most
    ``ease.MOST_ITEMS``.
    """
    n_users, n_items = interactions.shape
    limit = min(cubic_up_to, MOST_ITEMS)
    found: dict[str, Maker] = {}
    if n_items <= limit:
        found |= {f"ease l2={l2:g} power={power:g}": partial(EASE, l2, user_power=power) for l2, power in _EASE}
        found["edlae l2=100 dropout=0.3"] = partial(EASE, 100.0, dropout=0.3, user_power=0.15)
        found["rlae l2=250 diagonal=0.1"] = partial(EASE, 250.0, diagonal=0.1, user_power=0.15)
    if n_users <= limit:
        found |= {
            f"user_ease l2={l2:g} power={power:g}": partial(UserEASE, l2, item_power=power) for l2, power in _USER_EASE
        }
    found |= {
        f"als factors={factors} penalty={penalty:g} alpha={alpha:g}": partial(
            ALS, factors, regularization=penalty, alpha=alpha
        )
        for factors, penalty, alpha in _ALS
    }
    found |= {
        "rp3beta alpha=0.8 beta=0.5": partial(RP3Beta, 0.8, 0.5),
        "item_knn_cosine": partial(ItemKNN, "cosine", neighbours=100, asymmetry=0.4),
        "item_knn_tfidf": partial(ItemKNN, "tfidf", neighbours=50, use_weights=False),
        "item_knn_bm25": partial(ItemKNN, "bm25", neighbours=200, use_weights=False),
        "item_knn_jaccard": partial(ItemKNN, "jaccard", neighbours=50, use_weights=False),
        "user_knn": partial(UserKNN, 100),
    }
    return found


def all_candidates(interactions: Interactions, *, cubic_up_to: int = CUBIC_UP_TO) -> dict[str, Maker]:
    """Baselines and personal models together."""
    return popularity_candidates(interactions) | personal_candidates(interactions, cubic_up_to=cubic_up_to)

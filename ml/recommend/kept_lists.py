"""Which users' lists of the last run still hold, so that only who did something since is scored again."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from ml.recommend.interactions import Codes
from ml.recommend.read import WINDOW_DAYS
from ml.recommend.router import CHOSEN, NEAR
from ml.recommend.shelf import Lists
from ml.recommend.tables import ACTIVE_DAYS, K
from ml.write_table import table_exists

#: A day's events may come so many days late, so that users of these days are looked at again. Where days before these
#: change all the same (``FOOTFALL_LATE_DAYS`` is greater, older logs are loaded, a load is superseded), nobody's list
#: stays: see :func:`settled_digest`.
LATE_DAYS = 4

_RUN = "SELECT as_of, catalogue_digest, model_version FROM ml.recommendation_runs WHERE shop_id = $shop"
# Only lists that the models of the log made in full: what is popular changes daily, and a visit is of one day. A short
# one may grow: what nobody had chosen by then fills it up once somebody does.
_ROWS = """
SELECT
    users.user_no,
    items.item_no,
    CAST(kept.rank AS SMALLINT) AS rank,
    kept.score,
    coalesce(because.item_no, -1) AS because_no,
    CAST(CASE kept.model WHEN $chosen THEN {chosen} ELSE {near} END AS TINYINT) AS source,
    kept.updated_for
FROM ml.recommendations AS kept
INNER JOIN recommend_users AS users USING (user_id)
INNER JOIN recommend_still AS still ON still.user_no = users.user_no
INNER JOIN recommend_items AS items USING (item_id)
LEFT JOIN recommend_items AS because ON because.item_id = kept.because_item_id
WHERE
    kept.shop_id = $shop AND kept.model_version = $version
    AND kept.user_id IN (
        SELECT other.user_id
        FROM ml.recommendations AS other
        WHERE other.shop_id = $shop AND other.model_version = $version
        GROUP BY other.user_id
        HAVING count(*) = $k AND bool_and(other.model IN ($chosen, $near))
    )
"""
# Hashes are added up as integers, so that no order of the rows matters.
_SETTLED = """
SELECT CAST(coalesce(
    sum(hash(user_id, item_id, event_date, views, wishlist_adds, cart_adds, purchases)), 0
) AS VARCHAR)
FROM features.feat_user_item_days
WHERE shop_id = $shop AND event_date >= $first AND event_date < $until
"""


@dataclass(frozen=True, eq=False)
class KeptLists:
    """Lists of an earlier run in any order, and the day whose events each row has seen (``datetime64[D]``)."""

    lists: Lists
    updated_for: np.ndarray


@dataclass(frozen=True)
class Before:
    """The last run of a shop: its day, and what its lists depended on."""

    shop_id: str
    as_of: dt.date
    catalogue_digest: str
    model_version: str

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, shop_id: str) -> Before | None:
        """``None`` where there was none."""
        if not all(table_exists(connection, ("ml", table)) for table in ("recommendation_runs", "recommendations")):
            return None
        rows = connection.execute(_RUN, {"shop": shop_id}).fetchall()
        return cls(shop_id, *rows[0]) if rows else None

    def still_holds(self, as_of: dt.date, catalogue_digest: str, model_version: str) -> bool:
        """Whether lists of the run can stay: same model, same products on sale and same settled days (which
        ``catalogue_digest`` names, see ``Recommendations.score``), and no later day."""
        return (self.catalogue_digest, self.model_version) == (catalogue_digest, model_version) and self.as_of <= as_of


def settled_digest(connection: duckdb.DuckDBPyConnection, shop_id: str, as_of: dt.date) -> str:
    """Changes when a day of the shop's log that lists of ``as_of`` may rest on changes later than ``LATE_DAYS`` after
    it: a user's newest day does not tell that an older one was filled in."""
    parameters = {
        "shop": shop_id,
        "first": as_of - dt.timedelta(days=WINDOW_DAYS + ACTIVE_DAYS),
        "until": as_of - dt.timedelta(days=LATE_DAYS),
    }
    text: str = connection.execute(_SETTLED, parameters).fetchall()[0][0]
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_kept(
    connection: duckdb.DuckDBPyConnection, before: Before, newest: np.ndarray, active: Codes, chosen: str, near: str
) -> KeptLists:
    """Lists of ``active`` users (rows of the log that was read last) who did nothing since that run.

    ``newest`` is each user's newest day. Lists with popular items or those of a visit are left out. ``chosen`` and
    ``near`` are the models' names in the table.
    """
    since = np.datetime64(before.as_of - dt.timedelta(days=LATE_DAYS), "D")
    still = pd.DataFrame({"user_no": active[newest[active] < since].astype(np.int32)})
    parameters = {"shop": before.shop_id, "version": before.model_version, "chosen": chosen, "near": near, "k": K}
    connection.register("recommend_still", still)
    try:
        found = connection.execute(_ROWS.format(chosen=CHOSEN, near=NEAR), parameters).fetchnumpy()
    finally:
        connection.unregister("recommend_still")
    row, column, rank, because, source = (
        np.asarray(found[name]) for name in ("user_no", "item_no", "rank", "because_no", "source")
    )
    lists = Lists(row, column, rank, np.asarray(found["score"]), because, source)
    return KeptLists(lists, np.asarray(found["updated_for"], dtype="datetime64[D]"))

"""Who chose what in a shop, from the warehouse, as numbers: texts are numbered by DuckDB, and never repeated here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import duckdb
import numpy as np
import pandas as pd
from scipy import sparse

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.ranking.splits import Split
from ml.recommend.interactions import EVENT_WEIGHTS, USER, WEIGHT, Codes, Ids, Interactions

#: Days of a user that count, back from the user's newest one.
WINDOW_DAYS = 365
#: Days after which an event says half as much of liking.
HALF_LIFE_DAYS = 30.0
#: Weights are added up as integers of millionths, so that no sum depends on how the work was divided.
_PARTS = 1_000_000

_AS_OF = """
SELECT coalesce(
    (SELECT max(as_of) FROM features.feat_as_of_dates WHERE shop_id = $shop),
    -- a shop that knows no customers has no such dates, and visitors all the same
    (SELECT max(event_date) + 1 FROM features.feat_user_item_days WHERE shop_id = $shop)
)
"""
# A user's weights and window hang on the user's own days alone: who does nothing keeps the same profile from day to
# day, and need not be looked at again.
_DAYS = """
CREATE OR REPLACE TEMP TABLE recommend_days AS
SELECT
    user_id,
    item_id,
    event_date,
    max(event_date) OVER (PARTITION BY user_id) AS newest,
    views,
    purchases,
    views * $view + wishlist_adds * $wishlist + cart_adds * $cart + purchases * $purchase AS weight,
    last_event_ts
FROM features.feat_user_item_days
WHERE shop_id = $shop AND event_date >= $first AND event_date < $as_of
QUALIFY event_date > newest - $window
"""
_ITEMS = """
CREATE OR REPLACE TEMP TABLE recommend_items AS
SELECT
    item_id,
    CAST(row_number() OVER (ORDER BY item_id) - 1 AS INTEGER) AS item_no,
    products.item_name AS name,
    products.item_category AS category,
    products.item_brand AS brand,
    products.price_minor AS price_minor,
    coalesce(products.is_active, TRUE) AS on_sale
FROM (
    SELECT item_id FROM recommend_days
    UNION
    SELECT item_id FROM marts.dim_products WHERE shop_id = $shop AND is_current
) AS known
LEFT JOIN (SELECT * FROM marts.dim_products WHERE shop_id = $shop AND is_current) AS products USING (item_id)
"""
_USERS = """
CREATE OR REPLACE TEMP TABLE recommend_users AS
SELECT user_id, CAST(row_number() OVER (ORDER BY user_id) - 1 AS INTEGER) AS user_no, any_value(newest) AS newest
FROM recommend_days
GROUP BY user_id
"""
_PAIRS = """
SELECT
    users.user_no,
    items.item_no,
    CAST(sum(CAST(round({parts} * days.weight * power(0.5, (days.newest - days.event_date) / $half_life)) AS BIGINT))
        AS BIGINT) AS weight,
    epoch_us(max(days.last_event_ts)) AS newest_us,
    bool_or(days.views > 0) AS looked,
    bool_or(days.purchases > 0) AS bought
FROM recommend_days AS days
INNER JOIN recommend_users AS users USING (user_id)
INNER JOIN recommend_items AS items USING (item_id)
GROUP BY users.user_no, items.item_no
-- what has faded to nothing is no sign of liking
HAVING weight > 0
ORDER BY users.user_no, items.item_no
"""
# Of a large shop some users, the same ones every day: by a hash of the id, of which the smallest are taken.
_SAMPLED = """
SELECT
    days.user_id AS user,
    days.item_id AS item,
    days.weight,
    days.event_date AS day,
    days.last_event_ts AS time
FROM recommend_days AS days
INNER JOIN (SELECT user_id FROM recommend_users ORDER BY md5(user_id), user_id LIMIT $users) AS drawn USING (user_id)
ORDER BY days.last_event_ts, days.user_id, days.item_id, days.event_date
"""
_GIVEN = """
SELECT
    item_id,
    products.item_name AS name,
    products.item_category AS category,
    products.item_brand AS brand,
    products.price_minor AS price_minor,
    coalesce(products.is_active, TRUE) AS on_sale
FROM (
    SELECT CAST(item_id AS VARCHAR) AS item_id FROM recommend_given
    UNION
    SELECT item_id FROM marts.dim_products WHERE shop_id = $shop AND is_current
) AS known
LEFT JOIN (SELECT * FROM marts.dim_products WHERE shop_id = $shop AND is_current) AS products USING (item_id)
ORDER BY item_id
"""
_CATALOGUE = "SELECT item_id, name, category, brand, price_minor, on_sale FROM recommend_items ORDER BY item_no"


@dataclass(frozen=True, eq=False)
class ShopLog:
    """What users chose, ``n`` users and ``m`` items.

    ``interactions`` has every item that is known, also those nobody chose. ``looked`` and ``bought`` (CSR of ones,
    shape ``(n, m)``) say who looked at and who bought what, ``newest`` (shape ``(n,)``, ``datetime64[D]``) each user's
    newest day. ``items`` has a row per item in the same order: ``item_id``, ``name``, ``category``, ``brand``,
    ``price_minor``, ``on_sale``.
    """

    interactions: Interactions
    looked: sparse.csr_matrix
    bought: sparse.csr_matrix
    newest: np.ndarray
    items: pd.DataFrame


def newest_day(connection: duckdb.DuckDBPyConnection, shop_id: str) -> dt.date:
    """The day after the shop's newest one; raises ``NotEnoughData`` where nobody chose anything yet."""
    found: dt.date | None = connection.execute(_AS_OF, {"shop": shop_id}).fetchall()[0][0]
    if found is None:
        raise NotEnoughData("products that users looked at or bought", "at least one", "none")
    return found


def read_log(
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    as_of: dt.date,
    *,
    active_days: int,
    window_days: int = WINDOW_DAYS,
    half_life_days: float = HALF_LIFE_DAYS,
) -> ShopLog:
    """What the shop's users chose before ``as_of``, of each user ``window_days`` back from the user's newest day.

    Whole windows are read of users of the last ``active_days``. An event weighs as ``EVENT_WEIGHTS`` says, halved for
    every ``half_life_days`` before the user's newest day. Leaves the rows in temporary tables for
    :func:`sampled_rows`. Raises ``NotEnoughData`` where there is nobody.
    """
    _log_table(connection, shop_id, as_of, active_days, window_days)
    for statement in (_ITEMS, _USERS):
        connection.execute(statement, {"shop": shop_id} if "$shop" in statement else None)
    users = connection.execute("SELECT user_id, newest FROM recommend_users ORDER BY user_no").fetchnumpy()
    if not len(users["user_id"]):
        raise NotEnoughData(
            f"users who looked at or bought a product in the {window_days} days before {as_of}", "at least one", "none"
        )
    items = connection.execute(_CATALOGUE).df()
    pairs = connection.execute(_PAIRS.format(parts=_PARTS), {"half_life": half_life_days}).fetchnumpy()
    # the pairs come sorted, each once: places and times are taken as they are, which a large shop's memory is spared by
    shape = (len(users["user_id"]), len(items))
    starts = np.searchsorted(np.asarray(pairs.pop("user_no")), np.arange(shape[0] + 1)).astype(np.int32)
    column = np.asarray(pairs.pop("item_no"), dtype=np.int32)
    weight = (np.asarray(pairs.pop("weight"), dtype=np.float64) / _PARTS).astype(np.float32)
    return ShopLog(
        Interactions(
            sparse.csr_matrix((weight, column, starts), shape=shape),
            np.asarray(users["user_id"], dtype=object),
            items["item_id"].to_numpy(dtype=object),
            _integers(pairs.pop("newest_us")),
        ),
        _ones(column, starts, np.asarray(pairs.pop("looked"), dtype=bool), shape),
        _ones(column, starts, np.asarray(pairs.pop("bought"), dtype=bool), shape),
        np.asarray(users["newest"], dtype="datetime64[D]"),
        items,
    )


def sampled_rows(connection: duckdb.DuckDBPyConnection, *, users: int) -> pd.DataFrame:
    """Days of some ``users`` of the log that :func:`read_log` read last, oldest first: ``user``, ``item``, ``weight``
    (not faded yet), ``day`` and ``time``, as the back-tests of ``ml.evaluation.ranking`` take them."""
    return connection.execute(_SAMPLED, {"users": users}).df()


def faded(split: Split, *, half_life_days: float = HALF_LIFE_DAYS) -> Split:
    """``split`` of :func:`sampled_rows` with the weights in ``train`` faded as :func:`read_log` fades them: by the
    user's newest day that was known at the cut. By a later one who comes back would weigh less before."""
    days = split.train["day"]
    back = (days.groupby(split.train[USER]).transform("max") - days).dt.days
    weight = split.train[WEIGHT] * np.exp2(-back / half_life_days)
    return replace(split, train=split.train.assign(**{WEIGHT: weight}))


def read_items(connection: duckdb.DuckDBPyConnection, shop_id: str, items: Ids) -> pd.DataFrame:
    """``ShopLog.items`` of a shop's current products and ``items``, in code point order, for whoever needs no log."""
    connection.register("recommend_given", pd.DataFrame({"item_id": items}, dtype=object))
    try:
        return connection.execute(_GIVEN, {"shop": shop_id}).df()
    finally:
        connection.unregister("recommend_given")


def _log_table(
    connection: duckdb.DuckDBPyConnection, shop_id: str, as_of: dt.date, active_days: int, window_days: int
) -> None:
    parameters = {
        "shop": shop_id,
        "as_of": as_of,
        "first": as_of - dt.timedelta(days=window_days + active_days),
        "window": window_days,
        "view": EVENT_WEIGHTS["view_item"],
        "wishlist": EVENT_WEIGHTS["add_to_wishlist"],
        "cart": EVENT_WEIGHTS["add_to_cart"],
        "purchase": EVENT_WEIGHTS["purchase"],
    }
    connection.execute(_DAYS, parameters)


def _integers(values: object) -> Codes:
    return np.asarray(values, dtype=np.int64)


def _ones(column: np.ndarray, starts: np.ndarray, chosen: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    before = np.concatenate([[0], np.cumsum(chosen, dtype=np.int32)])
    kept = column[chosen]
    return sparse.csr_matrix((np.ones(len(kept), dtype=np.float32), kept, before[starts]), shape=shape)

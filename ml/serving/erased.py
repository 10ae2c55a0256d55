"""Customers who were erased: what models wrote about them goes as well.

Features are made from the lake, so whoever was erased there is in them no more. Scores and segments that are kept for
longer than a day are not made again, and would name them for ever.
"""

from __future__ import annotations

import duckdb

from ml.write_table import table_exists

#: Column that names a person -> the feature table that has a day of everyone who is known by it.
_KNOWN = {"customer_id": ("features", "feat_customer_days"), "user_id": ("features", "feat_user_item_days")}
_SHOPS = ("staging", "stg_shops")


def forget_erased(connection: duckdb.DuckDBPyConnection, table: str, person: str = "customer_id") -> int:
    """Delete from ``ml.<table>`` (with shop_id and ``person``) whom the shop no longer knows; returns rows deleted.

    Known is who has a day in ``features.feat_customer_days``, a ``user_id`` in ``features.feat_user_item_days``. A
    shop without any such day keeps its rows, since its log is what is missing; a shop that is gone from
    ``staging.stg_shops`` keeps none. Nothing is deleted where the warehouse lacks either table, for then it can tell
    of nobody. The same again deletes nothing.
    """
    known = _KNOWN[person]
    if not (table_exists(connection, known) and table_exists(connection, _SHOPS)):
        return 0
    days = ".".join(known)
    deleted = connection.execute(
        f"""
        DELETE FROM ml."{table}" AS kept
        WHERE kept.shop_id NOT IN (SELECT shop_id FROM staging.stg_shops)
            OR (
                kept.shop_id IN (SELECT shop_id FROM {days})
                AND NOT EXISTS (
                    SELECT 1 FROM {days} AS known
                    WHERE known.shop_id = kept.shop_id AND known.{person} = kept.{person}
                )
            )
        """
    ).fetchone()
    return int(deleted[0]) if deleted else 0

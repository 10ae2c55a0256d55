"""Customers who were erased: what models wrote about them goes as well.

Features are made from the lake, so whoever was erased there is in them no more. Scores and segments that are kept for
longer than a day are not made again, and would name them for ever.
"""

from __future__ import annotations

import duckdb

from ml.write_table import table_exists

_KNOWN = ("features", "feat_customer_days")
_USERS = ("features", "feat_user_item_days")
_SHOPS = ("staging", "stg_shops")


def forget_erased(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Delete from ``ml.<table>`` (with shop_id, customer_id) whom the shop no longer knows; returns rows deleted.

    Known is who has a day in ``features.feat_customer_days``. A shop without any such day keeps its rows, since
    its log is what is missing; a shop that is gone from ``staging.stg_shops`` keeps none. Nothing is deleted where
    the warehouse lacks either table, for then it can tell of nobody. The same again deletes nothing.
    """
    if not (table_exists(connection, _KNOWN) and table_exists(connection, _SHOPS)):
        return 0
    deleted = connection.execute(
        f"""
        DELETE FROM ml."{table}" AS kept
        WHERE kept.shop_id NOT IN (SELECT shop_id FROM staging.stg_shops)
            OR (
                kept.shop_id IN (SELECT shop_id FROM features.feat_customer_days)
                AND NOT EXISTS (
                    SELECT 1 FROM features.feat_customer_days AS known
                    WHERE known.shop_id = kept.shop_id AND known.customer_id = kept.customer_id
                )
            )
        """
    ).fetchone()
    return int(deleted[0]) if deleted else 0


def forget_erased_users(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """The same of ``ml.<table>`` with shop_id, user_id, by who has a day in ``features.feat_user_item_days``."""
    if not (table_exists(connection, _USERS) and table_exists(connection, _SHOPS)):
        return 0
    deleted = connection.execute(
        f"""
        DELETE FROM ml."{table}" AS kept
        WHERE kept.shop_id NOT IN (SELECT shop_id FROM staging.stg_shops)
            OR (
                kept.shop_id IN (SELECT shop_id FROM features.feat_user_item_days)
                AND NOT EXISTS (
                    SELECT 1 FROM features.feat_user_item_days AS known
                    WHERE known.shop_id = kept.shop_id AND known.user_id = kept.user_id
                )
            )
        """
    ).fetchone()
    return int(deleted[0]) if deleted else 0

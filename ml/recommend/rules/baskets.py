"""Baskets as rules want them: distinct items, rare ones dropped, coded as small integers, in DuckDB.

Everything is set work on temporary tables, which DuckDB spills to disk where they exceed its memory limit; nothing
is written to the warehouse.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.recommend.rules.limits import RuleLimits

BASKET, ITEM, FAMILY = "basket", "item", "family"

#: Two shops on one connection must not share temporary tables.
_NUMBERS = itertools.count(1)

_LINES = """
CREATE TEMP TABLE {lines} AS
SELECT DISTINCT
    CAST(given.basket AS VARCHAR) AS basket,
    coalesce(families.family, CAST(given.item AS VARCHAR)) AS item
FROM ({source}) AS given
LEFT JOIN {families} AS families ON families.item = CAST(given.item AS VARCHAR)
WHERE given.basket IS NOT NULL AND given.item IS NOT NULL
"""
# Basket numbers depend on the order of work; they are only ever compared with each other.
_SIZES = """
CREATE TEMP TABLE {sizes} AS
SELECT basket, count(*) AS items, CAST(row_number() OVER () - 1 AS INTEGER) AS basket_no
FROM {lines}
GROUP BY basket
"""
_COUNTS = """
SELECT
    count(*) FILTER (items <= $most), count(*) FILTER (items > $most), count(*) FILTER (items BETWEEN 2 AND $most)
FROM {sizes}
"""
# Numbers rise with the item's count, ties by id, so that they are the same whatever the order of work.
_ITEMS = """
CREATE TEMP TABLE {items} AS
SELECT item, baskets, CAST(row_number() OVER (ORDER BY baskets, item) - 1 AS INTEGER) AS item_no
FROM (
    SELECT lines.item, count(*) AS baskets
    FROM {lines} AS lines
    INNER JOIN {sizes} AS sizes ON sizes.basket = lines.basket AND sizes.items <= $most
    GROUP BY lines.item
    HAVING count(*) >= $least
)
"""
_CODED = """
CREATE TEMP TABLE {coded} AS
SELECT sizes.basket_no, items.item_no
FROM {lines} AS lines
INNER JOIN {sizes} AS sizes ON sizes.basket = lines.basket AND sizes.items BETWEEN 2 AND $most
INNER JOIN {items} AS items ON items.item = lines.item
"""
_TABLES = ("lines", "sizes", "items", "coded", "families")


@dataclass(frozen=True)
class Baskets:
    """Coded baskets in temporary tables of ``connection``, valid inside :func:`open_baskets`.

    ``coded`` names a table (basket_no, item_no), one row per distinct frequent item of a basket with at least two
    items; ``items`` holds the frequent items' ids by number (shape ``(items,)``, ascending by count, then id) and
    ``item_counts`` in how many baskets they are. ``n_baskets`` counts all baskets that were kept, those of one item
    too, ``n_several`` those with at least two, ``n_left_out`` those with more than ``limits.max_basket_items``.
    ``least`` is the fewest baskets that a set must be in.
    """

    connection: duckdb.DuckDBPyConnection
    coded: str
    items: npt.NDArray[np.object_]
    item_counts: npt.NDArray[np.int64]
    n_baskets: int
    n_several: int
    n_left_out: int
    least: int
    limits: RuleLimits


@contextmanager
def open_baskets(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    parameters: Sequence[object] = (),
    *,
    limits: RuleLimits | None = None,
    families: pd.DataFrame | None = None,
) -> Iterator[Baskets]:
    """Code the baskets that ``source`` selects, and drop the temporary tables afterwards.

    Parameters
    ----------
    source : a query with the columns ``basket`` and ``item`` (any type; several rows of one item are one), with
        ``?`` for ``parameters``. Rows without a basket or an item are not looked at.
    families : columns ``item`` and ``family``: variants of a product that count as one item, named by the family's
        id. Items not in it stay what they are, and belong to the family that has their own id.

    Raises ``ValueError`` where an item has two families.
    """
    limits = limits or RuleLimits()
    number = next(_NUMBERS)
    names = {table: f"rules_{table}_{number}" for table in _TABLES}
    most = limits.max_basket_items
    try:
        families_table(connection, names["families"], families)
        connection.execute(_LINES.format(source=source, **names), list(parameters))
        connection.execute(_SIZES.format(**names))
        n_baskets, n_left_out, n_several = _row(connection.execute(_COUNTS.format(**names), {"most": most}))
        least = limits.least_baskets(n_baskets)
        connection.execute(_ITEMS.format(**names), {"most": most, "least": least})
        connection.execute(_CODED.format(**names), {"most": most})
        for table in ("lines", "sizes", "families"):
            connection.execute(f"DROP TABLE {names[table]}")
        found = connection.execute(f"SELECT item, baskets FROM {names['items']} ORDER BY item_no").fetchnumpy()
        yield Baskets(
            connection,
            names["coded"],
            np.asarray(found["item"], dtype=object),
            np.asarray(found["baskets"], dtype=np.int64),
            n_baskets,
            n_several,
            n_left_out,
            least,
            limits,
        )
    finally:
        for name in names.values():
            connection.execute(f"DROP TABLE IF EXISTS {name}")


@contextmanager
def baskets_of_frame(
    lines: pd.DataFrame, *, limits: RuleLimits | None = None, families: pd.DataFrame | None = None
) -> Iterator[Baskets]:
    """:func:`open_baskets` for a frame with the columns ``basket`` and ``item``.

    Raises ``ValueError`` where it lacks one.
    """
    missing = {BASKET, ITEM} - set(lines.columns)
    if missing:
        raise ValueError(f"baskets: expected columns {BASKET} and {ITEM}, missing {', '.join(sorted(missing))}")
    with duckdb.connect() as connection:
        connection.register("given_lines", lines[[BASKET, ITEM]])
        with open_baskets(
            connection, "SELECT basket, item FROM given_lines", limits=limits, families=families
        ) as baskets:
            yield baskets


def families_table(connection: duckdb.DuckDBPyConnection, table: str, families: pd.DataFrame | None) -> None:
    """Make a temporary ``table`` (item, family) of ``families``, empty where it is None.

    Raises ``ValueError`` where an item has two families.
    """
    connection.execute(f"CREATE TEMP TABLE {table} (item VARCHAR, family VARCHAR)")
    if families is None or families.empty:
        return
    distinct = families[[ITEM, FAMILY]].dropna().drop_duplicates()
    twice = distinct.loc[distinct[ITEM].duplicated(), ITEM]
    if len(twice):
        raise ValueError(f"families: expected one family per item, item {twice.iloc[0]!r} has more than one")
    connection.register("_given_families", distinct)
    try:
        connection.execute(
            f"INSERT INTO {table} SELECT CAST(item AS VARCHAR), CAST(family AS VARCHAR) FROM _given_families"
        )
    finally:
        connection.unregister("_given_families")


def _row(result: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    row = result.fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])

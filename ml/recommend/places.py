"""What is popular where: people of a region or a country, and what they chose lately."""

from __future__ import annotations

import datetime as dt

import duckdb
import pandas as pd

from ml.write_table import table_exists

#: Days that count: shorter than for tastes, since a place has fewer people than the shop and seasons differ by place.
PLACE_DAYS = 30
#: People that a place must have had in these days for a list of its own; below it the next wider place speaks.
FEWEST_PEOPLE = 50
#: Days that a session may begin before its last event.
_SESSION_DAYS = 2

_TABLES = (("features", "feat_session_items"), ("marts", "fct_sessions"))
# The place is the session's: whoever travels is in two places. Regions of one name in two countries are two, named as
# by the macro region_in_country; who is known by then is one person on all devices.
_PLACES = """
WITH choices AS (
    SELECT DISTINCT
        coalesce(sessions.country, '') AS country,
        coalesce(sessions.region, '') AS region,
        coalesce('customer:' || sessions.customer_id, sessions.visitor_id) AS person,
        items.item_id
    FROM features.feat_session_items AS items
    INNER JOIN marts.fct_sessions AS sessions
        ON sessions.shop_id = items.shop_id
        AND sessions.session_date = items.session_date
        AND sessions.session_id = items.session_id
    WHERE
        items.shop_id = $shop AND items.event_date >= $first AND items.event_date < $as_of
        AND sessions.shop_id = $shop AND sessions.session_date >= $earliest AND sessions.session_date < $as_of
        AND NOT sessions.is_bot
),
placed AS (
    SELECT 'country' AS scope, country AS place, person, item_id FROM choices WHERE country <> ''
    UNION
    SELECT 'region', concat_ws(' / ', nullif(country, ''), region), person, item_id FROM choices WHERE region <> ''
),
large AS (
    SELECT scope, place FROM placed GROUP BY scope, place HAVING count(DISTINCT person) >= $people
)
SELECT placed.scope, placed.place, placed.item_id, count(*) AS people
FROM placed
INNER JOIN large ON large.scope = placed.scope AND large.place = placed.place
GROUP BY placed.scope, placed.place, placed.item_id
ORDER BY placed.scope, placed.place, placed.item_id
"""


def read_places(
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    as_of: dt.date,
    *,
    days: int = PLACE_DAYS,
    fewest_people: int = FEWEST_PEOPLE,
) -> pd.DataFrame:
    """How many people of a place chose an item in the ``days`` before ``as_of``: looked at it, saved it, put it into
    the cart or bought it, programs left out.

    A row per ``scope`` (``'region'`` or ``'country'``), ``place`` (``US / Georgia``, ``US``) and ``item_id``, with
    ``people``; none of places of fewer than ``fewest_people``, and none of sessions whose place is unknown.
    None either where the warehouse has no sessions.
    """
    if not all(table_exists(connection, table) for table in _TABLES):
        return pd.DataFrame(columns=["scope", "place", "item_id", "people"])
    first = as_of - dt.timedelta(days=days)
    parameters = {
        "shop": shop_id,
        "first": first,
        "earliest": first - dt.timedelta(days=_SESSION_DAYS),
        "as_of": as_of,
        "people": fewest_people,
    }
    return connection.execute(_PLACES, parameters).df()

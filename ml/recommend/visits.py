"""Whose session it was: the steps of a shop's sessions in the numbers of its log, so that lists for a user can follow
what the user did last."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb
import numpy as np

from ml.recommend.interactions import Codes, Ids
from ml.recommend.sessions.read import EVENTS
from ml.recommend.sessions.steps import Contexts, Mask, Steps
from ml.write_table import table_exists

_TABLES = (("features", "feat_session_items"), ("intermediate", "int_visitor_days"))
# The user is who was known on the day, as in features.feat_user_item_days; users and items in the numbers of
# ml.recommend.read. An order that is told twice (a page loaded again) is bought once, as in sessions.read.
_STEPS = """
WITH
people AS (
    SELECT event_date, visitor_id, customer_id
    FROM intermediate.int_visitor_days
    WHERE shop_id = $shop AND event_date >= $first AND event_date < $as_of
),
steps AS (
    SELECT
        given.session_id,
        items.item_no,
        coalesce('customer:' || people.customer_id, given.visitor_id) AS user_id,
        given.event_name = 'purchase' AS bought,
        given.event_date >= $fresh AS fresh,
        given.event_ts,
        given.event_id,
        given.item_index
    FROM features.feat_session_items AS given
    INNER JOIN recommend_items AS items USING (item_id)
    LEFT JOIN people ON people.event_date = given.event_date AND people.visitor_id = given.visitor_id
    WHERE
        given.shop_id = $shop AND given.event_date >= $first AND given.event_date < $as_of
        AND list_contains($events, given.event_name)
    QUALIFY
        given.event_name <> 'purchase' OR given.order_id IS NULL
        OR given.event_ts = min(given.event_ts) OVER (
            PARTITION BY given.session_id, given.event_name, given.order_id, given.item_id
        )
),
sessions AS (
    SELECT
        session_id,
        arg_max(user_id, event_ts) AS user_id,
        bool_or(fresh) AS fresh,
        row_number() OVER (ORDER BY max(event_ts), session_id) - 1 AS session_no
    FROM steps
    GROUP BY session_id
)
SELECT
    CAST(sessions.session_no AS INTEGER) AS session_no,
    CAST(coalesce(users.user_no, -1) AS INTEGER) AS user_no,
    sessions.fresh,
    steps.item_no,
    steps.bought,
    epoch_us(steps.event_ts) AS time_us
FROM steps
INNER JOIN sessions USING (session_id)
LEFT JOIN recommend_users AS users ON users.user_id = sessions.user_id
ORDER BY sessions.session_no, steps.event_ts, steps.event_id, steps.item_index
"""


@dataclass(frozen=True, eq=False)
class Visits:
    """Sessions with their users: ``user`` (shape ``(m,)``) is a row of the log, -1 for who is not in it; ``fresh``
    (``(m,)``) says of which sessions something happened on the last days. ``steps`` counts all items of the log, in
    the log's order."""

    steps: Steps
    user: Codes
    fresh: Mask

    @classmethod
    def of(cls, items: Ids, session: Codes, user: Codes, fresh: Mask, item: Codes, bought: Mask, time: Codes) -> Visits:
        """From parallel arrays, a place each per step: sessions are numbers in any order, steps of one are in theirs.

        Sessions are put in the order of their newest step, equal ones by number."""
        numbers, place = np.unique(session, return_inverse=True)
        newest = np.full(len(numbers), np.iinfo(np.int64).min)
        np.maximum.at(newest, place, time)
        order = np.argsort(newest, kind="stable")
        new = np.empty(len(order), dtype=np.int64)
        new[order] = np.arange(len(order))
        place = new[place]
        sorted_ = np.lexsort((time, place))
        place = place[sorted_]
        starts = np.searchsorted(place, np.arange(len(numbers) + 1))
        last = sorted_[starts[1:] - 1]
        steps = Steps(
            items=items,
            sessions=np.arange(len(numbers)).astype(object),
            starts=starts,
            item=item[sorted_],
            time=time[sorted_],
            bought=bought[sorted_],
            category=np.full(len(items), -1, dtype=np.int64),
        )
        return cls(steps, user[last], np.logical_or.reduceat(fresh[sorted_], starts[:-1]) if len(last) else fresh[:0])

    def between(self, first: int, cut: int, fresh_from: int, users: Codes) -> Visits:
        """What was known at ``cut`` of the sessions of ``users`` (rows of the log), back to ``first`` (microseconds
        since 1970): a session that goes on after the cut ends there. Sessions with a step from ``fresh_from`` on are
        fresh."""
        steps = self.steps
        session = steps.session
        known = (steps.time >= first) & (steps.time < cut) & np.isin(self.user, users)[session]
        session, time = session[known], steps.time[known]
        user, fresh = self.user[session], time >= fresh_from
        return Visits.of(steps.items, session, user, fresh, steps.item[known], steps.bought[known], time)

    def newest_of_users(self) -> tuple[Codes, Codes]:
        """Users with a fresh session, ascending, and the newest session of each."""
        session = np.flatnonzero(self.fresh & (self.user >= 0))
        # of an index given again and again the last value stays, and sessions are in the order of time
        users, first = np.unique(self.user[session][::-1], return_index=True)
        return users, session[::-1][first]

    def contexts(self, sessions: Codes) -> Contexts:
        """What ``sessions`` did, as the moments after their last steps."""
        starts, ends = self.steps.starts[sessions], self.steps.starts[sessions + 1]
        return Contexts(self.steps.items, self.steps.item, starts, ends, self.steps.ended[sessions])


def read_visits(
    connection: duckdb.DuckDBPyConnection, shop_id: str, first: dt.date, as_of: dt.date, fresh: dt.date, items: Ids
) -> Visits:
    """Sessions from ``first`` to the day before ``as_of`` in the numbers of the log that ``ml.recommend.read`` read
    last on this connection, whose ``items`` are given; ``fresh`` is the first of the last days.

    No sessions where the warehouse has none: a shop may know orders and no visits.
    """
    nothing = np.zeros(0, dtype=np.int64)
    if not all(table_exists(connection, table) for table in _TABLES):
        return Visits.of(items, nothing, nothing, nothing > 0, nothing, nothing > 0, nothing)
    parameters = {"shop": shop_id, "first": first, "as_of": as_of, "fresh": fresh, "events": list(EVENTS)}
    found = connection.execute(_STEPS, parameters).fetchnumpy()
    session, user, item, time = (
        np.asarray(found[name], dtype=np.int64) for name in ("session_no", "user_no", "item_no", "time_us")
    )
    fresh_steps, bought = (np.asarray(found[name], dtype=bool) for name in ("fresh", "bought"))
    return Visits.of(items, session, user, fresh_steps, item, bought, time)

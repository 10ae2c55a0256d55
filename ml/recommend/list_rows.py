"""Lists as rows of ``ml.recommendations``: numbers, block by block of users, and the texts that DuckDB puts in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from ml.coded_rows import CodedRows
from ml.recommend.interactions import Ids, Interactions
from ml.recommend.item_sums import users_of_both, values_at
from ml.recommend.shelf import Lists
from ml.recommend.tables import RECOMMENDATION_COLUMNS
from ml.recommend.today import TODAY, VisitReasons

#: Numbers of a row, with what NumPy keeps them as: 30 bytes.
_TYPES: dict[str, type] = {
    "user_no": np.int32,
    "rank": np.int16,
    "item_no": np.int32,
    "score": np.float64,
    "because_no": np.int32,
    "evidence": np.int32,
    "bought": np.bool_,
    "source": np.int8,
    "updated_for": np.int32,
}
_ROWS_AT_A_TIME = 1_000_000
_ROWS = """
SELECT
    run.shop_id,
    users.user_id,
    codes.rank,
    items.item_id,
    codes.score,
    CASE
        WHEN codes.because_no < 0 THEN sources.reason
        WHEN sources.today AND codes.bought
            THEN 'Goes with ' || because.name || ', which you bought on your last visit (' || counted.sessions
        WHEN sources.today
            THEN 'Because you viewed ' || because.name || ' on your last visit (' || counted.sessions
        WHEN codes.bought THEN 'Goes with ' || because.name || ', which you bought' || counted.people
        ELSE 'Because you viewed ' || because.name || counted.people
    END AS reason,
    CASE
        WHEN codes.because_no < 0 THEN sources.reason_zh
        WHEN sources.today AND codes.bought
            THEN '与您上次来时买的' || because.name || '相配（' || codes.evidence || ' 次访问中两者都有）'
        WHEN sources.today
            THEN '因为您上次来时看过' || because.name || '（' || codes.evidence || ' 次访问中两者都有）'
        WHEN codes.bought THEN '与您买过的' || because.name || '相配' || counted.people_zh
        ELSE '因为您看过' || because.name || counted.people_zh
    END AS reason_zh,
    because.item_id AS because_item_id,
    nullif(codes.evidence, 0) AS evidence,
    sources.model,
    run.model_version,
    CAST(run.as_of AS DATE) AS as_of,
    DATE '1970-01-01' + codes.updated_for AS updated_for
FROM {codes} AS codes
INNER JOIN {users} AS users ON users.user_no = codes.user_no
INNER JOIN {items} AS items ON items.item_no = codes.item_no
INNER JOIN {sources} AS sources ON sources.source = codes.source
LEFT JOIN {items} AS because ON because.item_no = codes.because_no
LEFT JOIN LATERAL (
    SELECT
        codes.evidence || if(codes.evidence = 1, ' session', ' sessions') || ' had both)' AS sessions,
        if(codes.evidence > 0, ' (' || codes.evidence || if(codes.evidence = 1, ' person', ' people')
            || ' chose both)', '') AS people,
        if(codes.evidence > 0, '（' || codes.evidence || ' 人两者都选）', '') AS people_zh
) AS counted ON TRUE
CROSS JOIN {run} AS run
"""


class Source(NamedTuple):
    """What made rows: its number in ``Lists.source``, its name, and what a row without an item as reason says."""

    number: int
    model: str
    reason: str
    reason_zh: str


class ListRows:
    """Rows of many users, added block by block."""

    def __init__(self, most: int) -> None:
        """``most``: rows that there may be; what is not filled takes no memory."""
        self._columns: dict[str, np.ndarray] = {name: np.empty(most, dtype=kind) for name, kind in _TYPES.items()}
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, lists: Lists, updated_for: np.ndarray | np.datetime64, visit: VisitReasons | None = None) -> None:
        """``updated_for``: a day for all or for each row (``datetime64[D]``); ``visit``: reasons of rows of a visit."""
        rows = slice(self._n, self._n + len(lists.row))
        given = {
            "user_no": lists.row,
            "rank": lists.rank,
            "item_no": lists.column,
            "score": np.round(lists.score, 9),
            "because_no": lists.because,
            "evidence": 0 if visit is None else visit.sessions,
            "bought": False if visit is None else visit.bought,
            "source": lists.source,
            "updated_for": np.asarray(updated_for, dtype="datetime64[D]").astype(np.int64),
        }
        for name, values in given.items():
            self._columns[name][rows] = values
        self._n = rows.stop

    def tell(self, interactions: Interactions, bought: sparse.csr_matrix) -> None:
        """Count the people behind each reason, and see which of them the user bought; rows of a visit have theirs."""
        codes = self.columns()
        n_items = len(interactions.items)
        parts, places = [np.zeros(0, dtype=np.int64)], list[np.ndarray]()
        for start in range(0, self._n, _ROWS_AT_A_TIME):
            part = slice(start, start + _ROWS_AT_A_TIME)
            place = start + np.flatnonzero((codes["because_no"][part] >= 0) & (codes["source"][part] != TODAY))
            because, user = codes["because_no"][place].astype(np.int64), codes["user_no"][place]
            codes["bought"][place] = values_at(bought, user, because) > 0
            parts.append(np.unique(because * n_items + codes["item_no"][place]))
            places.append(place)
        pairs = np.unique(np.concatenate(parts))
        both = users_of_both(interactions, pairs // n_items, pairs % n_items).astype(np.int32)
        for place in places:
            pair = codes["because_no"][place].astype(np.int64) * n_items + codes["item_no"][place]
            codes["evidence"][place] = both[np.searchsorted(pairs, pair)]

    def columns(self) -> dict[str, np.ndarray]:
        """What was added, by name; views of what is kept."""
        return {name: values[: self._n] for name, values in self._columns.items()}

    def rows(
        self,
        shop_id: str,
        as_of: dt.date,
        version: str,
        users: Ids,
        items: Ids,
        names: Ids,
        sources: Sequence[Source],
    ) -> CodedRows:
        """The table; ``users``, ``items`` and ``names`` (of items) are what the numbers stand for."""
        lookups = {
            "users": pd.DataFrame({"user_no": np.arange(len(users), dtype=np.int32), "user_id": users}),
            "items": pd.DataFrame({"item_no": np.arange(len(items), dtype=np.int32), "item_id": items, "name": names}),
            "sources": pd.DataFrame(
                {
                    "source": np.array([one.number for one in sources], dtype=np.int8),
                    "today": [one.number == TODAY for one in sources],
                    "model": [one.model for one in sources],
                    "reason": [one.reason for one in sources],
                    "reason_zh": [one.reason_zh for one in sources],
                }
            ),
            "run": pd.DataFrame({"shop_id": [shop_id], "model_version": [version], "as_of": [as_of.isoformat()]}),
        }
        codes = pd.DataFrame(self.columns(), copy=False)
        return CodedRows(codes, lookups, _ROWS, tuple(RECOMMENDATION_COLUMNS), ("user_id", "rank"))


def fault_of_lists(rows: CodedRows, personal: bool, fewest: int) -> str | None:
    """No lists, an item twice in a list, or one list for everyone (of at least ``fewest``) from a model of persons."""
    if rows.empty:
        return "no user got a list"
    user, item, rank = (rows.codes[name].to_numpy() for name in ("user_no", "item_no", "rank"))
    key = user.astype(np.int64) * (int(item.max()) + 1) + item
    key.sort()
    twice = int((np.diff(key) == 0).sum())
    if twice:
        return f"{twice} items are in a list twice"
    n_users = int((rank == 1).sum())
    if not personal or n_users < fewest:
        return None
    size = np.bincount(user)
    sizes = size[size > 0]
    if (sizes != sizes[0]).any():
        return None
    # every place of every list against that of the first
    mine = np.flatnonzero(user == user[0])
    first = np.full(int(rank.max()) + 1, -1, dtype=np.int64)
    first[rank[mine]] = item[mine]
    return f"the same list to all {n_users}" if (item == first[rank]).all() else None

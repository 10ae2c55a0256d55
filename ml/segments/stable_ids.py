"""Segments that keep their number from run to run: today's clusters matched with the last run's by their customers.

Sources: H. W. Kuhn, "The Hungarian method for the assignment problem" (1955),
https://doi.org/10.1002/nav.3800020109; C. Hennig, "Cluster-wise assessment of cluster stability" (2007).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment

from ml.evaluation.clustering import Labels

#: Fewest customers in common / customers in either for a cluster to be the old segment: of two of one size,
#: half of each is then in the other.
SAME_SEGMENT = 1 / 3

#: Column -> DuckDB type of ``ml.segment_migrations``, key shop_id, from_as_of, as_of, from and to segment.
MIGRATION_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "from_as_of": "DATE",
    "as_of": "DATE",
    "from_segment_id": "INTEGER",
    "from_segment_name": "VARCHAR",
    "from_segment_name_zh": "VARCHAR",
    "to_segment_id": "INTEGER",
    "to_segment_name": "VARCHAR",
    "to_segment_name_zh": "VARCHAR",
    "customers": "BIGINT",
}


def match_segments(
    customer_ids: Sequence[str] | npt.NDArray[np.object_],
    labels: Labels,
    previous: pd.Series,
    greatest_id: int = 0,
) -> list[int]:
    """The id of each cluster 0, 1 … of ``labels`` (shape ``(customers,)``, in the order of ``customer_ids``).

    Parameters
    ----------
    previous : segment id by customer id, of an earlier run; customers of one run only are left out.
    greatest_id : the greatest id the shop ever used. New segments count on from it (and from
        ``previous``), so that no number ever means two things.

    Of all ways to pair old and new, the one that keeps most customers in their segment is taken, each by
    its share (Jaccard); pairs below ``SAME_SEGMENT`` are new segments. New ones are numbered in order.
    """
    clusters = int(labels.max()) + 1 if len(labels) else 0
    used = max([greatest_id, *previous.astype("int64").tolist()]) if len(previous) else greatest_id
    ids = [0] * clusters
    for cluster, old in _pairs(customer_ids, labels, previous, clusters):
        ids[cluster] = old
    for cluster in range(clusters):
        if ids[cluster] == 0:
            used += 1
            ids[cluster] = used
    return ids


def _pairs(
    customer_ids: Sequence[str] | npt.NDArray[np.object_], labels: Labels, previous: pd.Series, clusters: int
) -> list[tuple[int, int]]:
    known = previous.reindex(pd.Index(customer_ids, dtype=object))
    both = known.notna().to_numpy()
    if not both.any():
        return []
    old_ids, old = np.unique(known[both].to_numpy(dtype=np.int64), return_inverse=True)
    shared = np.zeros((clusters, len(old_ids)))
    np.add.at(shared, (labels[both], old), 1)
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    similar = shared / np.maximum(union, 1)
    rows, columns = linear_sum_assignment(-similar)
    return [
        (int(row), int(old_ids[column]))
        for row, column in zip(rows, columns, strict=True)
        if similar[row, column] >= SAME_SEGMENT - 1e-12
    ]


def migrations(shop_id: str, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """How many customers went from which segment to which, between two dates of one shop.

    ``before`` and ``after`` have one row per customer: customer_id, as_of (one date), segment_id,
    segment_name, segment_name_zh. Who is new has null as the segment before, who is gone null as the one
    after; who stayed is counted too, so that rows add up to the sizes of both days. Columns as
    ``MIGRATION_COLUMNS``, sorted by segments, nulls first.
    """
    if before.empty or after.empty:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in MIGRATION_COLUMNS})
    told = ["segment_id", "segment_name", "segment_name_zh"]
    joined = before[["customer_id", *told]].merge(
        after[["customer_id", *told]], on="customer_id", how="outer", suffixes=("_before", "_after")
    )
    moved = (
        joined.groupby(["segment_id_before", "segment_id_after"], dropna=False, sort=True)
        .agg(
            from_segment_name=("segment_name_before", "first"),
            from_segment_name_zh=("segment_name_zh_before", "first"),
            to_segment_name=("segment_name_after", "first"),
            to_segment_name_zh=("segment_name_zh_after", "first"),
            customers=("customer_id", "size"),
        )
        .reset_index()
        .rename(columns={"segment_id_before": "from_segment_id", "segment_id_after": "to_segment_id"})
        .assign(shop_id=shop_id, from_as_of=_day(before), as_of=_day(after))
    )
    for column in ("from_segment_id", "to_segment_id"):
        moved[column] = moved[column].astype("Int64")
    ordered = moved.sort_values(["from_segment_id", "to_segment_id"], na_position="first", ignore_index=True)
    return ordered[list(MIGRATION_COLUMNS)]


def _day(frame: pd.DataFrame) -> dt.date:
    day: dt.date = pd.Timestamp(frame["as_of"].iloc[0]).date()
    return day

"""Does a model count right over time? Repeat purchases by week and cohort, as they came and as expected.

The tracking plot of Fader, Hardie, Lee (2005), one cohort per month of first purchase.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import duckdb
import numpy as np
import pandas as pd

from ml.value.bgnbd import BGNBD
from ml.value.pareto_nbd import ParetoNBD
from ml.value.summary import query_order_days

#: Column -> DuckDB type of ``ml.value_tracking``; key shop_id, model, cohort, week_end.
TRACKING_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "as_of": "DATE",
    "model": "VARCHAR",
    "cohort": "DATE",
    "week_end": "DATE",
    "customers": "BIGINT",
    "actual_repeats": "BIGINT",
    "expected_repeats": "DOUBLE",
    "is_held_out": "BOOLEAN",
}
_KEY = ["shop_id", "model", "cohort", "week_end"]

#: Customers by day of first purchase, and repeat purchases by cohort and week, both up to ``end``.
_FIRSTS = """
    WITH days AS (
        SELECT DISTINCT shop_id, customer_id, CAST(order_date AS DATE) AS day
        FROM order_days WHERE CAST(order_date AS DATE) < DATE '{end}'
    ),
    firsts AS (SELECT shop_id, customer_id, min(day) AS first_day FROM days GROUP BY ALL)
    SELECT shop_id, CAST(date_trunc('month', first_day) AS DATE) AS cohort, first_day, count(*) AS customers
    FROM firsts WHERE first_day < DATE '{cut}' GROUP BY ALL ORDER BY ALL
"""
_REPEATS = """
    WITH days AS (
        SELECT DISTINCT shop_id, customer_id, CAST(order_date AS DATE) AS day
        FROM order_days WHERE CAST(order_date AS DATE) < DATE '{end}'
    ),
    numbered AS (SELECT *, min(day) OVER (PARTITION BY shop_id, customer_id) AS first_day FROM days)
    SELECT
        shop_id,
        CAST(date_trunc('month', first_day) AS DATE) AS cohort,
        -- weeks end on the cut and on every seventh day before and after it
        CAST(DATE '{cut}' + CAST(7 * (floor(date_diff('day', DATE '{cut}', day) / 7.0) + 1) AS INTEGER) AS DATE)
            AS boundary,
        count(*) AS repeats
    FROM numbered WHERE day > first_day AND first_day < DATE '{cut}' GROUP BY ALL ORDER BY ALL
"""


def track_cohorts(
    orders: duckdb.DuckDBPyRelation,
    models: Mapping[str, BGNBD | ParetoNBD],
    cut: dt.date,
    end: dt.date,
) -> pd.DataFrame:
    """Cumulative repeat purchases by cohort and week, of everyone who first bought before ``cut``.

    Parameters
    ----------
    orders : ``shop_id, customer_id, order_date``, as for ``ml.value.summary.summarise``.
    models : name -> model fitted on what came before ``cut``, times in days.
    cut, end : weeks up to ``cut`` were learned from, those after it up to ``end`` (not included) were not.

    Returns ``TRACKING_COLUMNS`` sorted by key; ``week_end`` is the last day of a week, and ``as_of`` is ``end``.
    Raises ``ValueError`` where ``end`` is before ``cut``.
    """
    if end < cut:
        raise ValueError(f"track_cohorts.end: expected {cut} (the cut) or later, got {end}")
    dates = {"cut": cut.isoformat(), "end": end.isoformat()}
    firsts = query_order_days(orders, _FIRSTS.format(**dates))
    repeats = query_order_days(orders, _REPEATS.format(**dates))
    if firsts.empty or not models:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in TRACKING_COLUMNS})
    firsts["first_day"] = pd.to_datetime(firsts["first_day"])
    weeks_before = int(np.ceil((pd.Timestamp(cut) - firsts["first_day"].min()).days / 7))
    weeks_after = (end - cut).days // 7
    boundaries = pd.Timestamp(cut) + pd.to_timedelta(7 * np.arange(1 - weeks_before, weeks_after + 1), unit="D")
    grid = firsts.merge(pd.DataFrame({"boundary": boundaries}), how="cross")
    # days watched by the end of the week: the boundary is the day after it
    watched = np.maximum((grid["boundary"] - grid["first_day"]).dt.days.to_numpy() - 1, 0)
    lengths, rows = np.unique(watched, return_inverse=True)
    grid["customers"] = grid["customers"].where(grid["first_day"] < grid["boundary"], 0)
    by_week = ["shop_id", "cohort", "boundary"]
    repeats["boundary"] = pd.to_datetime(repeats["boundary"])
    frames = []
    for name, model in models.items():
        grid["expected_repeats"] = model.expected_total(lengths.astype(float))[rows] * grid["customers"]
        frame = grid.groupby(by_week, as_index=False)[["customers", "expected_repeats"]].sum()
        frame = frame.merge(repeats, on=by_week, how="left").sort_values(by_week)
        counted = frame["repeats"].fillna(0).astype("int64")
        frame["actual_repeats"] = counted.groupby([frame["shop_id"], frame["cohort"]]).cumsum()
        frames.append(frame[frame["customers"] > 0].assign(model=name))
    tracked = pd.concat(frames, ignore_index=True)
    tracked["week_end"] = (tracked["boundary"] - pd.Timedelta(days=1)).dt.date
    tracked["is_held_out"] = tracked["boundary"] > pd.Timestamp(cut)
    tracked["cohort"] = pd.to_datetime(tracked["cohort"]).dt.date
    tracked["as_of"] = pd.Series([end] * len(tracked), dtype=object)
    tracked["expected_repeats"] = tracked["expected_repeats"].round(6)
    return tracked[list(TRACKING_COLUMNS)].sort_values(_KEY, ignore_index=True)

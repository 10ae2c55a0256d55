"""Scores beside what happened: once a score's horizon has passed, was it right? ``ml.outcomes``, per model version.

A score of every day for every customer would grow without end, so of each ISO week the first scored day is
kept (``ml.score_history``), for ``KEPT_DAYS``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb
import pandas as pd

from ml.evaluation.classification import measure_probabilities
from ml.evaluation.clustering import sample_rows
from ml.evaluation.intervals import Estimate
from ml.serving.erased import forget_erased
from ml.write_table import ensure_table, replace_rows

#: Days for which kept scores stay: the longest horizon, and a year to look back on.
KEPT_DAYS = 550
#: Data may still arrive for a while after a horizon has passed; then its outcome is measured no more.
SETTLED_AFTER_DAYS = 30
#: Customers measured of one day, and resamples behind the intervals: days are measured again until they are settled.
MEASURED_ROWS = 20_000
_RESAMPLES = 200

#: Column -> DuckDB type of ``ml.score_history``; its key is all but score and model_version.
HISTORY_COLUMNS: dict[str, str] = {
    "capability": "VARCHAR",
    "shop_id": "VARCHAR",
    "as_of": "DATE",
    "horizon_days": "INTEGER",
    "customer_id": "VARCHAR",
    "score": "DOUBLE",
    "model_version": "VARCHAR",
}
#: Column -> DuckDB type of ``ml.outcomes``; its key is capability, shop_id, as_of, horizon_days,
#: model_version, metric.
OUTCOME_COLUMNS: dict[str, str] = {
    "capability": "VARCHAR",
    "shop_id": "VARCHAR",
    "as_of": "DATE",
    "horizon_days": "INTEGER",
    "model_version": "VARCHAR",
    "metric": "VARCHAR",
    "value": "DOUBLE",
    "ci_low": "DOUBLE",
    "ci_high": "DOUBLE",
    "n": "BIGINT",
}


@dataclass(frozen=True)
class Promise:
    """How a capability's scores can be held to what happened.

    ``scores`` is SQL over its own table giving ``shop_id, as_of, horizon_days, customer_id, score,
    model_version``; ``came_true`` is SQL over a row of ``features.customer_outcomes``; ``measure`` maps what
    happened and scores to named figures.
    """

    capability: str
    scores: str
    came_true: str
    measure: Callable[[pd.Series, pd.Series], Mapping[str, Estimate | None]]


def measure_promise(happened: pd.Series, scores: pd.Series) -> dict[str, Estimate | None]:
    """The figures of probabilities (of a seeded sample in a large shop), and the two means whose difference is the
    bias, over everyone."""
    rows = sample_rows(len(scores), MEASURED_ROWS, random_state=0)
    figures = dict(measure_probabilities(happened.iloc[rows], scores.iloc[rows], n_resamples=_RESAMPLES))
    figures["mean_score"] = Estimate(float(scores.mean()), float(scores.mean()), float(scores.mean()), len(scores))
    share = float(happened.mean())
    figures["share_that_came_true"] = Estimate(share, share, share, len(happened))
    return figures


def keep_scores(connection: duckdb.DuckDBPyConnection, promise: Promise) -> int:
    """Add today's scores to ``ml.score_history`` where they are the first of their week; returns rows kept.

    The same day again replaces its rows; an earlier day of a week that is kept already (a backfill) adds
    nothing. Customers who were erased are forgotten on every day.
    """
    ensure_table(connection, ("ml", "score_history"), HISTORY_COLUMNS)
    listed = ", ".join(HISTORY_COLUMNS)
    connection.begin()
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE promised AS ({promise.scores})")
        # Days are compared with days and not rows with rows: a shop has few of the ones and millions of the others.
        connection.execute(
            """
            DELETE FROM promised WHERE (shop_id, horizon_days, as_of) IN (
                SELECT day.shop_id, day.horizon_days, day.as_of
                FROM (SELECT DISTINCT shop_id, horizon_days, as_of FROM promised) AS day
                JOIN (SELECT DISTINCT shop_id, horizon_days, as_of FROM ml.score_history WHERE capability = ?) AS kept
                    ON kept.shop_id = day.shop_id AND kept.horizon_days = day.horizon_days
                    AND date_trunc('week', kept.as_of) = date_trunc('week', day.as_of)
                WHERE kept.as_of <> day.as_of
            )
            """,
            [promise.capability],
        )
        connection.execute(
            """
            DELETE FROM ml.score_history WHERE capability = ? AND (shop_id, horizon_days, as_of) IN (
                SELECT DISTINCT shop_id, horizon_days, as_of FROM promised
            )
            """,
            [promise.capability],
        )
        connection.execute(
            """
            DELETE FROM ml.score_history AS kept
            USING (SELECT shop_id, max(as_of) AS as_of FROM promised GROUP BY shop_id) AS newest
            WHERE kept.capability = ? AND newest.shop_id = kept.shop_id AND kept.as_of < newest.as_of - ?::INTEGER
            """,
            [promise.capability, KEPT_DAYS],
        )
        added = connection.execute(
            f"INSERT INTO ml.score_history ({listed}) "
            "SELECT ?, shop_id, as_of, horizon_days, customer_id, score, model_version FROM promised",
            [promise.capability],
        ).fetchone()
        connection.execute("DROP TABLE promised")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    forget_erased(connection, "score_history")
    return int(added[0]) if added else 0


def measure_outcomes(connection: duckdb.DuckDBPyConnection, promise: Promise) -> int:
    """Measure every kept day whose horizon has passed and is not settled yet; returns how many days were.

    ``features.customer_outcomes`` says what happened, and whether the horizon lies within known data.
    """
    ensure_table(connection, ("ml", "score_history"), HISTORY_COLUMNS)
    ensure_table(connection, ("ml", "outcomes"), OUTCOME_COLUMNS)
    days = connection.execute(
        """
        WITH kept AS (SELECT DISTINCT shop_id, as_of, horizon_days FROM ml.score_history WHERE capability = ?),
        known AS (SELECT DISTINCT shop_id, as_of, horizon_days FROM ml.outcomes WHERE capability = ?),
        newest AS (SELECT shop_id, max(as_of) AS as_of FROM features.feat_as_of_dates GROUP BY shop_id)
        SELECT kept.as_of, kept.horizon_days, list(kept.shop_id ORDER BY kept.shop_id)
        FROM kept
        JOIN newest ON newest.shop_id = kept.shop_id AND kept.as_of + kept.horizon_days <= newest.as_of
        LEFT JOIN known ON known.shop_id = kept.shop_id
            AND known.as_of = kept.as_of AND known.horizon_days = kept.horizon_days
        WHERE known.as_of IS NULL OR kept.as_of + kept.horizon_days >= newest.as_of - ?::INTEGER
        GROUP BY kept.as_of, kept.horizon_days
        ORDER BY kept.as_of, kept.horizon_days
        """,
        [promise.capability, promise.capability, SETTLED_AFTER_DAYS],
    ).fetchall()
    rows = []
    for as_of, horizon, shops in days:
        happened = _what_happened(connection, promise, as_of, horizon, shops)
        for (shop_id, version), part in happened.groupby(["shop_id", "model_version"], sort=True):
            for metric, figure in promise.measure(part["happened"], part["score"]).items():
                n = figure.n if figure else len(part)
                rows.append(_row(promise.capability, str(shop_id), as_of, horizon, str(version), metric, figure, n))
    frame = pd.DataFrame(rows, columns=list(OUTCOME_COLUMNS))
    replace_rows(
        connection, ("ml", "outcomes"), OUTCOME_COLUMNS, frame, by=("capability", "shop_id", "as_of", "horizon_days")
    )
    return len(days)


def _what_happened(
    connection: duckdb.DuckDBPyConnection, promise: Promise, as_of: dt.date, horizon: int, shops: list[str]
) -> pd.DataFrame:
    """Scores of one day beside their outcome, of ``shops`` alone: what is settled elsewhere stays as it was."""
    return connection.execute(
        f"""
        SELECT kept.shop_id, kept.model_version, kept.score, CAST({promise.came_true} AS DOUBLE) AS happened
        FROM ml.score_history AS kept
        JOIN features.customer_outcomes(?, ?) AS outcome
            ON outcome.shop_id = kept.shop_id AND outcome.customer_id = kept.customer_id AND outcome.is_complete
        WHERE kept.capability = ? AND kept.as_of = ? AND kept.horizon_days = ?
            AND kept.shop_id IN (SELECT unnest(?::VARCHAR[]))
        ORDER BY kept.shop_id, kept.customer_id
        """,
        [as_of, horizon, promise.capability, as_of, horizon, shops],
    ).df()


def _row(
    capability: str,
    shop_id: str,
    as_of: dt.date,
    horizon: int,
    version: str,
    metric: str,
    figure: Estimate | None,
    n: int,
) -> dict[str, object]:
    value, low, high = (round(part, 9) for part in figure[:3]) if figure else (None, None, None)
    return dict(
        zip(OUTCOME_COLUMNS, (capability, shop_id, as_of, horizon, version, metric, value, low, high, n), strict=True)
    )

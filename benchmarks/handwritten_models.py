"""The plain scripts that Footfall's models of customers are compared with.

    python -m benchmarks.handwritten_models <one of SCRIPTS> <warehouse> <horizon in days>

What somebody would write in an afternoon on the same features: of churn, propensity and value one gradient boosting
(scikit-learn's, as it comes) that learns from all customers of the date two horizons back, is held to the date one
horizon back by one figure, learns anew from that and scores everyone; of segments K-Means on logarithms of recency,
frequency and money, k by silhouette. They compare no models, know no intervals, give no reasons, look for no leaks
and no drift, and keep nothing but scores. One thread, as on the other side.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import mean_absolute_error, roc_auc_score, silhouette_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.customer_shop import known_until

_DATED = """
SELECT f.*, coalesce(o.orders, 0) AS orders_after, coalesce(o.net, 0) AS net_after
FROM features.customer_features(CAST(? AS DATE)) AS f
LEFT JOIN (
    SELECT customer_id, sum(orders_placed) AS orders, sum(net_revenue_minor) AS net
    FROM features.feat_customer_days
    WHERE event_date >= ? AND event_date < ?
    GROUP BY customer_id
) AS o ON o.customer_id = f.customer_id
WHERE f.orders_placed > 0
"""
_KEYS = ["shop_id", "customer_id", "as_of", "orders_after", "net_after"]
_CUSTOMERS = "SELECT customer_id, recency_days, frequency, monetary_minor FROM marts.customer_rfm"
_SILHOUETTE_ROWS = 10_000


def _at(connection: duckdb.DuckDBPyConnection, day: date, horizon: int) -> pd.DataFrame:
    return connection.execute(_DATED, [day, day, day + timedelta(days=horizon)]).df()


def _features(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=_KEYS).astype("float64")


def _dates(connection: duckdb.DuckDBPyConnection, horizon: int) -> list[pd.DataFrame]:
    """Two horizons back, one horizon back, today."""
    return [_at(connection, known_until() - timedelta(days=back * horizon), horizon) for back in (2, 1, 0)]


def probabilities(connection: duckdb.DuckDBPyConnection, horizon: int, buys: bool) -> dict[str, float]:
    """Who buys (or does not) within ``horizon`` days, into the table ``main.by_hand_<days>``."""
    older, newer, today = _dates(connection, horizon)
    held_out = HistGradientBoostingClassifier(random_state=0).fit(_features(older), older["orders_after"] > 0)
    auc = roc_auc_score(newer["orders_after"] > 0, held_out.predict_proba(_features(newer))[:, 1])
    model = HistGradientBoostingClassifier(random_state=0).fit(_features(newer), newer["orders_after"] > 0)
    chance = model.predict_proba(_features(today))[:, 1]
    _keep(connection, today.assign(score=chance if buys else 1 - chance)[["customer_id", "score"]])
    return {f"auc_{horizon}d": float(auc)}


def value(connection: duckdb.DuckDBPyConnection, horizon: int) -> dict[str, float]:
    """Orders and net spend expected within ``horizon`` days."""
    older, newer, today = _dates(connection, horizon)
    scores, figures = today[["customer_id"]], {}
    for target in ("orders_after", "net_after"):
        held_out = HistGradientBoostingRegressor(loss="poisson", random_state=0)
        held_out.fit(_features(older), older[target].clip(lower=0))
        figures[f"mae_{target}"] = float(mean_absolute_error(newer[target], held_out.predict(_features(newer))))
        model = HistGradientBoostingRegressor(loss="poisson", random_state=0)
        model.fit(_features(newer), newer[target].clip(lower=0))
        scores = scores.assign(**{target: model.predict(_features(today))})
    _keep(connection, scores)
    return figures


def segments(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """K-Means for every k from 2 to 10, the one with the best silhouette kept."""
    customers = connection.execute(_CUSTOMERS).df()
    X = StandardScaler().fit_transform(np.log1p(customers.drop(columns="customer_id").clip(lower=0)))
    found = []
    for k in range(2, 11):
        labels = KMeans(n_clusters=k, n_init=10, random_state=0).fit_predict(X)
        found.append((silhouette_score(X, labels, sample_size=_SILHOUETTE_ROWS, random_state=0), k, labels))
    silhouette, k, labels = max(found, key=lambda one: one[0])
    _keep(connection, customers[["customer_id"]].assign(segment=labels))
    return {"silhouette": float(silhouette), "k": k}


def _keep(connection: duckdb.DuckDBPyConnection, scores: pd.DataFrame) -> None:
    connection.register("scores", scores)
    connection.execute("CREATE OR REPLACE TABLE main.by_hand AS SELECT * FROM scores")


SCRIPTS: dict[str, Callable[[duckdb.DuckDBPyConnection, int], dict[str, float]]] = {
    "churn": lambda connection, days: probabilities(connection, days, buys=False),
    "purchase_propensity": lambda connection, days: {
        **probabilities(connection, 7, buys=True),
        **probabilities(connection, 30, buys=True),
    },
    "customer_value": value,
    "customer_segments": lambda connection, days: segments(connection),
}


def main() -> None:
    """Run one script on a warehouse; its figures are the last line."""
    name, warehouse, days = sys.argv[1:]
    with threadpool_limits(limits=1), duckdb.connect(warehouse) as connection:
        connection.execute("SET threads = 2")
        connection.execute("SET memory_limit = '4GB'")
        print(json.dumps(SCRIPTS[name](connection, int(days))))


if __name__ == "__main__":
    main()

"""Scores as the models write them, made up by SQL for every customer of a warehouse that dbt has built."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from tests.properties.warehouse import Warehouse

#: A customer that yesterday's scores name and that is no longer there.
GONE = "gone"

_REASONS = ", ".join(
    f"'{words} {number}' as reason_{number}{suffix}"
    for suffix, words in (("", "reason"), ("_zh", "原因"))
    for number in (1, 2, 3)
)
_MODEL = "'logit' as model, 'v1' as model_version"
_TABLES = {
    "churn_scores": "select shop_id, customer_id, as_of, 90 as horizon_days, 0.25 + 0.5 * place as churn_probability, "
    f"if(place < 0.5, 'low', 'high') as risk_band, {_REASONS}, 'Write' as action, '联系' as action_zh, {_MODEL} "
    "from known",
    "purchase_propensity": "select shop_id, customer_id, as_of, unnest([7, 30]) as horizon_days, "
    f"unnest([0.1, 0.3]) * place as purchase_probability, {_REASONS}, {_MODEL} from known",
    "customer_value": "select shop_id, customer_id, as_of, 180 as horizon_days, 2 * place as expected_orders, "
    "500 as expected_value_minor, 100 as value_low_minor, 900 as value_high_minor, "
    f"'CNY' as currency, {_MODEL} from known",
    # as a version before outliers and principal components wrote it
    "customer_segments": "select shop_id, customer_id, as_of, 1 + (place > 0.5)::int as segment_id, 'few orders' "
    "as segment_name, '订单少' as segment_name_zh, place as distance_to_center, 'v1' as model_version from known",
}


def plant_scores(warehouse: Path, as_of: date) -> None:
    """Write the scores of customers as the models do, and a status without rows (see :func:`plant_status`)."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists ml")
        known = (
            "with customers as (select shop_id, customer_id from marts.dim_customers "
            f"union all select distinct shop_id, '{GONE}' from marts.dim_customers), "
            f"known as (select *, date '{as_of}' as as_of, round(row_number() over (partition by shop_id "
            "order by customer_id) / count(*) over (partition by shop_id), 3)::double as place from customers)"
        )
        for table, rows in _TABLES.items():
            connection.execute(f"create or replace table ml.{table} as {known} {rows}")
        connection.execute(
            "create or replace table ml.score_status (shop_id varchar, capability varchar, checked_for date, "
            "served_as_of date, status varchar, reason varchar, model_version varchar)"
        )


def plant_status(warehouse: Path, shop: str, capability: str, status: str, reason: str) -> None:
    """Say of a capability how fresh its scores are."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "insert into ml.score_status (shop_id, capability, status, reason) values (?, ?, ?, ?)",
            [shop, capability, status, reason],
        )


def after_models(warehouse: Warehouse) -> None:
    """The step after the models', tests and all: raises where one fails."""
    warehouse.dbt("build", "--exclude-resource-type", "unit_test", "--select", "tag:after_ml")

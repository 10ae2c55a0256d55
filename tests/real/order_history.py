"""A shop of which only a list of orders is known, under the product's own feature macros, without loading events."""

from __future__ import annotations

import re

import duckdb
import pandas as pd

from tests.properties.warehouse import Warehouse

_COUNTS = (
    "visitors", "sessions", "events", "page_views", "product_views", "searches", "wishlist_adds", "cart_adds",
    "checkouts", "visit_seconds", "active_hours", "orders_discounted", "orders_cancelled", "orders_of_unknown_value",
)  # fmt: skip


def shop_of_orders(like: Warehouse, orders: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    """An in-memory warehouse of one shop, ``orders`` (customer_id, day, orders, units, gross_minor: a row per
    customer and day), with the macros that dbt made in the warehouse ``like``."""
    macros = like.rows(
        "select function_name, array_to_string(parameters, ', '), macro_definition from duckdb_functions() "
        "where schema_name = 'features' and function_name in ('customer_features', 'customer_outcomes')"
    )
    assert len(macros) == 2
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("attach ':memory:' as warehouse")
    connection.execute("use warehouse")
    connection.execute("create schema features")
    connection.execute("create schema intermediate")
    connection.register("orders", orders)
    zeros = ", ".join(f"0::bigint as {name}" for name in _COUNTS)
    connection.execute(
        "create table features.feat_customer_days as select 'cdnow' as shop_id, day::date as event_date, customer_id, "
        f"{zeros}, orders::bigint as orders_placed, units::bigint as units, 0::bigint as discount_minor, "
        "gross_minor::bigint as gross_minor, 0::bigint as refund_minor, gross_minor::bigint as net_revenue_minor "
        "from orders"
    )
    connection.unregister("orders")
    connection.execute(
        "create table features.feat_as_of_dates as "
        "select shop_id, (max(event_date) + 1)::date as as_of from features.feat_customer_days group by shop_id"
    )
    connection.execute(
        "create table intermediate.int_visitor_category_days (shop_id varchar, event_date date, customer_id varchar, "
        "item_category varchar, item_brand varchar, cart_adds bigint, favourites bigint)"
    )
    for name, parameters, definition in sorted(macros):
        missing = set(re.findall(r"warehouse\.(\w+\.\w+)", str(definition)))
        known = {"features.feat_customer_days", "features.feat_as_of_dates", "intermediate.int_visitor_category_days"}
        assert missing <= known, f"features.{name} reads {missing - known}, which a list of orders has not"
        connection.execute(f"create macro features.{name}({parameters}) as table {definition}")
    return connection


def cdnow(path: str) -> pd.DataFrame:
    """CDNOW's master file as such orders (purchases of a day are one row each; their dollars are added up)."""
    columns = ["customer_id", "day", "units", "dollars"]
    log = pd.read_csv(path, sep=r"\s+", header=None, names=columns, dtype={"customer_id": str, "day": str})
    log = log[log["customer_id"].str.isdigit()]
    log["gross_minor"] = (log["dollars"].astype(float) * 100).round().astype("int64")
    log["units"] = log["units"].astype("int64")
    log["day"] = pd.to_datetime(log["day"], format="%Y%m%d")
    return log.groupby(["customer_id", "day"], as_index=False).agg(
        orders=("units", "size"), units=("units", "sum"), gross_minor=("gross_minor", "sum")
    )

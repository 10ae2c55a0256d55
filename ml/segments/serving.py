"""Segments from the warehouse into the warehouse: every shop's customers, today's numbers kept for tomorrow."""

from __future__ import annotations

import datetime as dt

import duckdb

from ml.evaluation.plots import scatter_plot
from ml.evaluation.results import EVALUATION_COLUMNS
from ml.segments.customer_segments import SegmentationResult, segment_customers
from ml.segments.evaluate import CAPABILITY
from ml.segments.history import read_history, write_history
from ml.segments.inputs import read_inputs
from ml.segments.tables import CUSTOMER_COLUMNS, SEGMENT_COLUMNS, SIZE_COLUMNS
from ml.serving.status import FRESH, NOT_ENOUGH_DATA, STATUS_COLUMNS, ScoreStatus, status_frame
from ml.write_table import replace_rows


def segment_shops(connection: duckdb.DuckDBPyConnection) -> SegmentationResult:
    """Segment the customers of every shop; nothing is written, a read-only connection will do."""
    rfm, behaviour = read_inputs(connection)
    return segment_customers(rfm, behaviour=behaviour, history=read_history(connection, rfm))


def write_segments(connection: duckdb.DuckDBPyConnection, result: SegmentationResult) -> list[ScoreStatus]:
    """Write the tables of ``ml.segments`` and the state of every shop, which is returned.

    A shop without customers of known orders has no segments and says so. The state comes last, as in
    ``ml.serving.write``.
    """
    replace_rows(connection, ("ml", "customer_segments"), CUSTOMER_COLUMNS, result.customers)
    replace_rows(connection, ("ml", "segments"), SEGMENT_COLUMNS, result.segments)
    write_history(connection, result.history(), result.sizes(), SIZE_COLUMNS, result.migrations)
    replace_rows(connection, ("ml", "evaluation"), EVALUATION_COLUMNS, result.evaluation, by=("capability",))
    shops = [row[0] for row in connection.execute("SELECT shop_id FROM staging.stg_shops ORDER BY 1").fetchall()]
    statuses = [_status(result, shop) for shop in shops]
    replace_rows(
        connection, ("ml", "score_status"), STATUS_COLUMNS, status_frame(statuses), by=("shop_id", "capability")
    )
    # A shop that is gone has no state.
    connection.execute(
        "DELETE FROM ml.score_status WHERE capability = ? AND shop_id NOT IN (SELECT unnest(?::VARCHAR[]))",
        [CAPABILITY, shops],
    )
    return statuses


def segment_plots(result: SegmentationResult) -> dict[str, bytes]:
    """The first shop's customers in the plane of their two principal components, by segment."""
    if result.customers.empty:
        return {}
    shop = result.customers["shop_id"].iloc[0]
    rows = result.customers[result.customers["shop_id"] == shop]
    image = scatter_plot(
        rows["pca_x"],
        rows["pca_y"],
        rows["segment_name"].tolist(),
        f"Customers of {shop} by segment",
        ("first principal component", "second principal component"),
    )
    return {"segments, scatter": image}


def _status(result: SegmentationResult, shop_id: str) -> ScoreStatus:
    if shop_id not in result.reasons:
        reason = "Not enough data: customers with orders: needed at least one, found none."
        return ScoreStatus(shop_id, CAPABILITY, None, None, NOT_ENOUGH_DATA, reason, None)
    day = result.customers.loc[result.customers["shop_id"] == shop_id, "as_of"].iloc[0]
    as_of = day if type(day) is dt.date else dt.date.fromisoformat(str(day)[:10])
    return ScoreStatus(
        shop_id, CAPABILITY, as_of, as_of, FRESH, result.reasons[shop_id], result.model_versions[shop_id]
    )

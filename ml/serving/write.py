"""What was served, into the warehouse: a shop's rows are replaced, a shop that was refused keeps its old ones."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd

from ml.evaluation.results import EVALUATION_COLUMNS, evaluation_frame
from ml.serving.capability import Capability
from ml.serving.erased import forget_erased
from ml.serving.serve import Served
from ml.serving.status import STATUS_COLUMNS, status_frame
from ml.write_table import replace_rows


def write_served(
    connection: duckdb.DuckDBPyConnection, capability: Capability, served: Sequence[Served]
) -> dict[str, int]:
    """Write every shop's tables, then what was measured, then the status; returns rows per table.

    ``served`` holds every shop there is: rows of others are of shops that are gone, and go too.

    The status comes last: a run that dies before it leaves a status that is too old, never one that
    promises scores which are not there. Every table exists afterwards, if need be without rows.
    """
    rows: dict[str, int] = {}
    shops = [one.status.shop_id for one in served]
    for table, columns in capability.tables.items():
        frames = [one.tables[table] for one in served if table in one.tables]
        # a shop at a time: rows of a large one are made while they are written
        for frame in frames or [pd.DataFrame(columns=list(columns), dtype=object)]:
            replace_rows(connection, ("ml", table), columns, frame, by=("shop_id",))
        # A shop that was served nothing of it (no rule holds any more) has no slice that would replace the old rows.
        none = [one.status.shop_id for one in served if table in one.tables and one.tables[table].empty]
        connection.execute(f'DELETE FROM ml."{table}" WHERE shop_id IN (SELECT unnest(?::VARCHAR[]))', [none])
        # Of a shop that was refused the old rows stay, and may name people who were erased since.
        for person in ("customer_id", "user_id"):
            if person in columns:
                forget_erased(connection, table, person)
        rows[table] = _keep_shops(connection, table, shops)
    measured = pd.concat([one.evaluation for one in served] or [evaluation_frame([])], ignore_index=True)
    replace_rows(connection, ("ml", "evaluation"), EVALUATION_COLUMNS, measured, by=("capability", "shop_id"))
    replace_rows(
        connection,
        ("ml", "score_status"),
        STATUS_COLUMNS,
        status_frame(one.status for one in served),
        by=("shop_id", "capability"),
    )
    for table in ("evaluation", "score_status"):
        connection.execute(
            f"DELETE FROM ml.{table} WHERE capability = ? AND shop_id NOT IN (SELECT unnest(?::VARCHAR[]))",
            [capability.name, shops],
        )
    return rows


def _keep_shops(connection: duckdb.DuckDBPyConnection, table: str, shops: Sequence[str]) -> int:
    """Delete the rows of all other shops; returns how many rows are left."""
    connection.execute(f'DELETE FROM ml."{table}" WHERE shop_id NOT IN (SELECT unnest(?::VARCHAR[]))', [list(shops)])
    counted = connection.execute(f'SELECT count(*) FROM ml."{table}"').fetchone()
    assert counted is not None
    return int(counted[0])

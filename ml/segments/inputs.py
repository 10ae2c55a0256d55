"""What customers are segmented by, read from the warehouse."""

from __future__ import annotations

import duckdb
import pandas as pd

from ml.segments.behaviour import BEHAVIOUR_SOURCES
from ml.segments.habits import HABIT_SOURCES

#: Columns of ``features.feat_customers`` that are read, each once.
SOURCES = tuple(dict.fromkeys((*BEHAVIOUR_SOURCES, *HABIT_SOURCES)))


def read_inputs(connection: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The mart ``customer_rfm`` and the same customers' behaviour, as ``segment_customers`` wants both.

    Behaviour is of ``features.feat_customers`` on the day after the mart's ``as_of``: features know what
    is dated before their day, the mart knows its day whole.
    """
    rfm = connection.execute("SELECT * FROM marts.customer_rfm ORDER BY shop_id, customer_id").df()
    behaviour = connection.execute(
        f"""
        SELECT features.shop_id, features.customer_id, features.{", features.".join(SOURCES)}
        FROM features.feat_customers AS features
        JOIN marts.customer_rfm AS rfm ON rfm.shop_id = features.shop_id
            AND rfm.customer_id = features.customer_id AND features.as_of = rfm.as_of + 1
        ORDER BY features.shop_id, features.customer_id
        """
    ).df()
    return rfm, behaviour

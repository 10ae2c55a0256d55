"""Next items from the warehouse into the warehouse, chosen on the shop's own newest sessions."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.recommend.sessions.serving import NEXT_ITEM_COLUMNS, SessionNextItems, followed, standing
from ml.recommend.sessions.steps import Steps
from ml.registry.store import ModelStore
from ml.serving.serve import Served, serve
from ml.serving.status import FRESH, NOT_ENOUGH_DATA
from ml.serving.write import write_served

SHOP = "店"
FIRST, DAYS, ITEMS = dt.date(2026, 1, 1), 30, 24
WITHDRAWN = "i01"


def sessions(n: int = 900, seed: int = 5) -> pd.DataFrame:
    """Sessions that mostly go from an item to the one two further on, and sometimes anywhere."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        day = FIRST + dt.timedelta(days=int(generator.integers(0, DAYS)))
        item = int(generator.integers(0, ITEMS))
        for place in range(int(generator.integers(2, 5))):
            moment = dt.datetime(day.year, day.month, day.day, 12) + dt.timedelta(minutes=place)
            rows.append(
                (SHOP, day, day, f"s{number}", f"v{number % 200}", moment, f"e{number}-{place}", f"i{item:02d}")
            )
            item = (item + 2) % ITEMS if generator.random() < 0.8 else int(generator.integers(0, ITEMS))
    columns = ["shop_id", "event_date", "session_date", "session_id", "visitor_id", "event_ts", "event_id", "item_id"]
    return pd.DataFrame(rows, columns=columns).assign(
        item_index=0, event_name="view_item", item_name="商品", item_category="类", order_id=None
    )


def warehouse(frame: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("CREATE SCHEMA features; CREATE SCHEMA marts")
    connection.register("given", frame.astype({"order_id": "str"}))
    connection.execute(
        "CREATE TABLE features.feat_session_items AS SELECT * REPLACE (CAST(event_date AS DATE) AS event_date, "
        "CAST(session_date AS DATE) AS session_date, nullif(order_id, 'None') AS order_id) FROM given"
    )
    connection.execute(
        "CREATE TABLE features.feat_user_item_days AS SELECT DISTINCT shop_id, event_date FROM "
        "features.feat_session_items;"
        "CREATE TABLE features.feat_as_of_dates (shop_id VARCHAR, as_of DATE);"
        "CREATE TABLE marts.dim_products AS SELECT DISTINCT shop_id, item_id, item_id AS item_name, item_category, "
        "CAST(NULL AS VARCHAR) AS item_brand, CAST(NULL AS BIGINT) AS price_minor, TRUE AS is_current, "
        f"item_id <> '{WITHDRAWN}' AS is_active FROM features.feat_session_items"
    )
    return connection


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return warehouse(sessions())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def served(connection: duckdb.DuckDBPyConnection, store: ModelStore) -> Served:
    return serve(SessionNextItems(), store, connection, SHOP)


def test_what_follows_an_item_leads_its_list(served: Served) -> None:
    assert served.status.status == FRESH, served.status.reason
    assert served.record is not None and served.record.model != "popular"
    assert {"hr@20", "mrr@20"} <= set(served.record.metrics)
    lists = served.tables["session_next_items"]
    assert list(lists.columns) == list(NEXT_ITEM_COLUMNS)
    first = lists[lists["rank"] == 1].set_index("item_id")["next_item_id"]
    planted = {f"i{number:02d}": f"i{(number + 2) % ITEMS:02d}" for number in range(ITEMS)}
    right = [first[item] == following for item, following in planted.items() if following != WITHDRAWN]
    assert len(first) == ITEMS and np.mean(right) > 0.9
    assert WITHDRAWN not in set(lists["next_item_id"]) and WITHDRAWN in set(lists["item_id"])
    assert (lists["item_id"] != lists["next_item_id"]).all()
    assert (lists.loc[lists["rank"] == 1, "sessions"] > 10).mean() > 0.9
    assert set(served.evaluation["model"]) >= {"item_co_view", "popular", "sequential_rules"}


def test_one_variant_follows_an_item_its_own_too(served: Served, store: ModelStore) -> None:
    connection = warehouse(sessions())
    # i02 leads to i04 and this to i06: one product in three sizes
    connection.execute("UPDATE marts.dim_products SET item_name = '同款' WHERE item_id IN ('i02', 'i04', 'i06')")
    lists = serve(SessionNextItems(), store, connection, SHOP).tables["session_next_items"]
    of_family = lists[lists["next_item_id"].isin(["i02", "i04", "i06"])]
    assert of_family.groupby("item_id").size().max() == 1 and len(of_family) > 10
    first = lists[lists["rank"] == 1].set_index("item_id")["next_item_id"]
    # people compare sizes: another one of what was just looked at may come, the same one never
    assert (first["i02"], first["i04"]) == ("i04", "i06")
    assert (lists["item_id"] != lists["next_item_id"]).all()


def test_the_same_day_again_writes_the_same(
    served: Served, connection: duckdb.DuckDBPyConnection, store: ModelStore
) -> None:
    capability = SessionNextItems()
    assert write_served(connection, capability, [served]) == {
        "session_next_items": len(served.tables["session_next_items"])
    }
    before = connection.execute("SELECT * FROM ml.session_next_items ORDER BY ALL").fetchall()
    write_served(connection, capability, [serve(capability, store, connection, SHOP)])
    assert connection.execute("SELECT * FROM ml.session_next_items ORDER BY ALL").fetchall() == before


def test_sessions_are_counted_once_and_within_reach() -> None:
    rows = [("a", "x", 0), ("a", "y", 1), ("a", "x", 2), ("a", "y", 3), ("b", "x", 0), ("b", "z", 1), ("b", "y", 2)]
    frame = pd.DataFrame(rows, columns=["session", "item", "time"])
    steps = Steps.from_frame(frame.assign(time=pd.to_datetime(frame["time"], unit="s")))
    counted = followed(steps, reach=1).set_index(["item", "next_item"])["sessions"].to_dict()
    assert counted == {("x", "y"): 1, ("y", "x"): 1, ("x", "z"): 1, ("z", "y"): 1}
    assert followed(steps, reach=2).set_index(["item", "next_item"])["sessions"].to_dict()["x", "y"] == 2


def test_who_would_repeat_the_sessions_items_does_not_stand() -> None:
    names = {one.name for one in standing()}
    assert {"item_co_view", "sequential_rules", "stan"} <= names and "own_items" not in names
    assert not [name for name in names if "repeats" in name]


def test_too_little_is_said(store: ModelStore) -> None:
    capability = SessionNextItems()
    nobody = serve(capability, store, warehouse(sessions(5)), "空店")
    assert nobody.status.status == NOT_ENOUGH_DATA and "none" in nobody.status.reason
    frame = sessions(40)
    short = frame[frame["event_date"] >= FIRST + dt.timedelta(days=DAYS - 3)]
    few = serve(capability, ModelStore(store.folder / "few"), warehouse(short), SHOP)
    assert few.status.status == NOT_ENOUGH_DATA and "7 days" in few.status.reason

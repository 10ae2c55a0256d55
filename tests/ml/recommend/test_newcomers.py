"""Lists for newcomers: what is popular in the shop, in a category, and in a place with people enough."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.recommend.newcomers import PLACE_MODEL, newcomer_rows
from ml.recommend.places import PLACE_DAYS, read_places
from ml.recommend.read import read_log
from ml.recommend.router import Popular
from ml.recommend.shelf import Shelf
from ml.recommend.tables import NEWCOMER_COLUMNS
from tests.ml.recommend.planted_catalogue import AS_OF, SHOP, VARIANTS, WITHDRAWN, choices, place_of_user, warehouse

REGION = "中国 / 东"


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return warehouse()


def lists_of(connection: duckdb.DuckDBPyConnection, k: int = 20) -> pd.DataFrame:
    log = read_log(connection, SHOP, AS_OF, active_days=90)
    popular = Popular.of(log.interactions, 7.0)
    return newcomer_rows(popular, Shelf.of(log.items), read_places(connection, SHOP, AS_OF), SHOP, AS_OF, "v1", k)


def of_place(days: pd.DataFrame, region: str) -> pd.Series:
    """People by item in the last days, counted by hand."""
    first = AS_OF - dt.timedelta(days=PLACE_DAYS)
    lately = days[pd.to_datetime(days["event_date"]) >= pd.Timestamp(first)]
    there = lately[lately["user_id"].map(lambda user: place_of_user(user)[1]) == region]
    return there.groupby("item_id")["user_id"].nunique()


def test_there_is_a_list_of_the_shop_of_each_category_and_of_each_place_of_many_people(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    lists = lists_of(connection)
    assert list(lists.columns) == list(NEWCOMER_COLUMNS)
    # the region of ten people has none: the country speaks for it
    assert set(zip(lists["scope"], lists["scope_value"], strict=True)) == {
        ("shop", ""),
        ("category", "偶"),
        ("category", "奇"),
        ("country", "中国"),
        ("region", REGION),
    }
    even = lists[lists["scope_value"] == "偶"]
    assert set(even["item_id"].str[1:].astype(int) % 2) == {0}
    for _, one in lists.groupby(["scope", "scope_value"]):
        assert one["score"].is_monotonic_decreasing and list(one["rank"]) == list(range(1, len(one) + 1))
        assert WITHDRAWN not in set(one["item_id"]) and one["item_id"].isin(VARIANTS).sum() <= 1
    assert lists["item_id"].isin(VARIANTS).any()


def test_a_places_list_is_what_its_people_chose_lately(connection: duckdb.DuckDBPyConnection) -> None:
    counted = of_place(choices(), "东")
    found = lists_of(connection)
    there = found[found["scope"] == "region"]
    people = np.floor(there["score"]).astype(int)
    assert list(people) == [counted[item] for item in there["item_id"]]
    # the most chosen one is withdrawn; the next leads
    assert people.iloc[0] == counted.drop(WITHDRAWN).max()
    assert set(there["reason"]) == {f"Popular in {REGION} in the last 30 days"}
    assert set(there["reason_zh"]) == {f"{REGION}近30天热门"} and set(there["model"]) == {PLACE_MODEL}
    # who is even likes even items, and everyone there is even: another list than the shop's
    assert list(there["item_id"]) != list(found.loc[found["scope"] == "shop", "item_id"])


def test_people_are_counted_once_whatever_they_did_and_on_how_many_devices() -> None:
    connection = warehouse()
    whole = read_places(connection, SHOP, AS_OF)
    connection.execute("UPDATE marts.fct_sessions SET visitor_id = visitor_id || session_id WHERE customer_id <> ''")
    connection.execute("INSERT INTO features.feat_session_items SELECT * FROM features.feat_session_items")
    pd.testing.assert_frame_equal(read_places(connection, SHOP, AS_OF), whole)
    # programs do not count, nor do sessions of other shops
    connection.execute("UPDATE marts.fct_sessions SET is_bot = TRUE WHERE region = '东'")
    connection.execute("UPDATE marts.fct_sessions SET shop_id = 'other' WHERE region IS NULL")
    assert read_places(connection, SHOP, AS_OF, fewest_people=1)["place"].unique().tolist() == ["中国", "中国 / 西"]


def test_the_least_number_of_people_is_of_the_window(connection: duckdb.DuckDBPyConnection) -> None:
    days = choices()
    lately = days[pd.to_datetime(days["event_date"]) >= pd.Timestamp(AS_OF - dt.timedelta(days=3))]
    region = lately["user_id"].map(lambda user: place_of_user(user)[1])
    people = lately.loc[region == "东", "user_id"].nunique()
    assert 5 < people < 50
    for least, has in ((people, True), (people + 1, False)):
        found = read_places(connection, SHOP, AS_OF, days=3, fewest_people=least)
        assert (REGION in set(found["place"])) is has


def test_without_any_place_there_are_the_other_lists() -> None:
    connection = warehouse()
    connection.execute("UPDATE marts.fct_sessions SET country = NULL, region = ''")
    assert read_places(connection, SHOP, AS_OF).empty
    assert set(lists_of(connection)["scope"]) == {"shop", "category"}


def test_a_region_of_an_unknown_country_is_named_alone() -> None:
    connection = warehouse()
    connection.execute("UPDATE marts.fct_sessions SET country = NULL WHERE region = '东'")
    assert "东" in set(read_places(connection, SHOP, AS_OF)["place"])

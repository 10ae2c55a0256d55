"""Categories of which people need one product: who bought there is shown nothing of it, and everyone else is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.recommend.bought_once import bought_once_groups, unknown_categories
from ml.recommend.ease import EASE
from ml.recommend.item_knn import ItemKNN
from ml.recommend.read import read_log
from ml.recommend.router import NEAR
from ml.recommend.served_model import without_users
from ml.recommend.serving import Recommendations
from ml.recommend.training import ServedModel
from ml.serving.serve import Served
from ml.serving.status import FRESH, ScoreStatus
from ml.serving.write import write_served
from tests.ml.recommend.planted_catalogue import AS_OF, SHOP, WITHDRAWN, choices, know_until, warehouse
from tests.ml.recommend.test_recommendations import RECORD, score

EVEN, ODD = "偶", "奇"


def texts(*names: str) -> np.ndarray:
    return np.array(names, dtype=object)


def test_a_name_stands_for_its_category_and_all_levels_below() -> None:
    category = texts("家电/冰箱", "家电", "家电城", "", "Θέρμανση/Λέβητες", "家电/冰箱/小", "fridges", "Fridges")
    found = bought_once_groups(category, ["家电/冰箱", " Θέρμανση/ ", "Fridges"])
    assert (found >= 0).tolist() == [True, False, False, False, True, True, False, True]
    assert found[0] == found[5] and len(set(found[[0, 4, 7]])) == 3


def test_of_names_that_hold_each_other_the_widest_counts_whatever_their_order() -> None:
    category = texts("家电/冰箱", "家电/炉", "a", "a/b")
    for names in (["家电/冰箱", "家电", "a/b"], ["a/b", "家电", "家电/冰箱"]):
        found = bought_once_groups(category, names)
        assert found[0] == found[1] >= 0 and found[2] == -1 and found[3] not in (-1, found[0])
    assert bought_once_groups(category, []).tolist() == [-1] * 4
    assert bought_once_groups(texts(), ["a"]).shape == (0,)


def test_names_that_no_product_has_are_told_as_given() -> None:
    category = texts("家电/冰箱", "Beds, large", "")
    assert unknown_categories(category, ["家电", "冰箱", "Beds, large", "beds", "家电/冰箱/"]) == ["冰箱", "beds"]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return warehouse()


@pytest.fixture(scope="module")
def model(connection: duckdb.DuckDBPyConnection) -> ServedModel:
    log = read_log(connection, SHOP, AS_OF, active_days=90)
    near = without_users(ItemKNN("tfidf").fit(log.interactions))
    assert isinstance(near, ItemKNN)
    return ServedModel("m", without_users(EASE(30).fit(log.interactions)), True, near, NEAR, 7.0, ())


def lists_with(
    connection: duckdb.DuckDBPyConnection, model: ServedModel, names: Sequence[str]
) -> Mapping[str, pd.DataFrame]:
    return score(Recommendations(bought_once={SHOP: names, "other": [ODD]}), model, connection)


def is_even(items: pd.Series) -> pd.Series:
    return items.str[1:].astype(int) % 2 == 0


@pytest.mark.parametrize("serves", ["model", "popularity"])
def test_who_bought_there_is_shown_nothing_of_it_and_still_gets_a_whole_list(
    connection: duckdb.DuckDBPyConnection, model: ServedModel, serves: str
) -> None:
    used = model if serves == "model" else ServedModel("popular", None, True, model.near, NEAR, None, ())
    before = lists_with(connection, used, [])["recommendations"]
    lists = lists_with(connection, used, [EVEN])["recommendations"]
    days = choices()
    own = days[days["purchases"] > 0]
    buyers = set(own.loc[is_even(own["item_id"]), "user_id"])
    # what was bought and has been withdrawn since is in the house all the same
    withdrawn_only = own[is_even(own["item_id"])].groupby("user_id")["item_id"].agg(set) == {WITHDRAWN}
    assert len(buyers) > 50 and withdrawn_only.any()
    theirs = lists["user_id"].isin(buyers)
    assert not is_even(lists.loc[theirs, "item_id"]).any()
    assert is_even(before.loc[before["user_id"].isin(buyers), "item_id"]).mean() > 0.2
    # everyone else's lists are what they were
    pd.testing.assert_frame_equal(
        lists[~theirs].reset_index(drop=True), before[~before["user_id"].isin(buyers)].reset_index(drop=True)
    )
    # nothing is short that need not be: of thirty odd ones all are listed that were not met, up to twenty
    met = days[~is_even(days["item_id"])].groupby("user_id")["item_id"].nunique()
    sizes = lists[theirs].groupby("user_id").size()
    assert len(sizes) == len(buyers)
    expected = {user: min(20, 30 - int(met.get(user, 0))) for user in buyers}
    # a bought odd one takes its variants with it, of which the odd ones have none
    assert sizes.to_dict() == expected


def test_similar_products_and_newcomers_lists_stay(connection: duckdb.DuckDBPyConnection, model: ServedModel) -> None:
    without, with_ = lists_with(connection, model, []), lists_with(connection, model, [EVEN])
    for name in ("item_similarities", "newcomer_recommendations"):
        pd.testing.assert_frame_equal(with_[name], without[name])


def run_of(tables: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = tables["recommendation_runs"].to_dict("records")[0]
    return found


def test_lists_do_not_stay_when_the_setting_changes(model: ServedModel) -> None:
    days = choices()
    connection = warehouse(days)
    know_until(connection, AS_OF - dt.timedelta(days=8), days)

    def serve(names: Sequence[str]) -> dict[str, pd.DataFrame]:
        capability = Recommendations(bought_once={SHOP: names})
        tables = score(capability, model, connection)
        status = ScoreStatus(SHOP, "recommendations", AS_OF, AS_OF, FRESH, "", RECORD.version)
        write_served(connection, capability, [Served(status, tables)])
        return tables

    def named() -> list[tuple[Any, ...]]:
        return connection.execute("SELECT shop_id, item_category FROM ml.unknown_categories").fetchall()

    serve([])
    know_until(connection, AS_OF, days)
    same = run_of(serve([]))
    assert same["users_scored_anew"] < same["users"]
    # a name that no product has changes nothing, and is told
    unknown = run_of(serve(["双"]))
    assert unknown["users_scored_anew"] < unknown["users"]
    assert named() == [(SHOP, "双")]
    changed = serve([EVEN])
    assert run_of(changed)["users_scored_anew"] == run_of(changed)["users"]
    assert named() == []
    stays = serve([EVEN])
    assert run_of(stays)["users_scored_anew"] < run_of(stays)["users"]
    one, other = (tables["recommendations"].drop(columns="updated_for") for tables in (stays, changed))
    pd.testing.assert_frame_equal(one, other, check_dtype=False)

"""Recommendations from the warehouse into the warehouse: who gets what, why, and what never appears."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.coded_rows import CodedRows
from ml.evaluation.ranking.splits import Split
from ml.recommend.ease import EASE
from ml.recommend.fusion import ZScoreFusion
from ml.recommend.interactions import Interactions
from ml.recommend.item_knn import ItemKNN
from ml.recommend.read import faded, newest_day, read_log, sampled_rows
from ml.recommend.router import CHOSEN, NEAR
from ml.recommend.served_model import without_users
from ml.recommend.serving import Recommendations
from ml.recommend.training import ServedModel
from ml.registry.record import ModelRecord
from ml.registry.store import ModelStore
from ml.serving.serve import Served, serve
from ml.serving.status import FRESH, NOT_ENOUGH_DATA, ScoreStatus
from ml.serving.write import write_served
from tests.ml.recommend.planted_catalogue import (
    AS_OF,
    SHOP,
    VARIANTS,
    WITHDRAWN,
    choices,
    know_until,
    products,
    warehouse,
)

RECORD = ModelRecord("recommendations", SHOP, "m", AS_OF, AS_OF, AS_OF, 1, (), 1, 42, "", "champion", "made by hand")


def score(
    capability: Recommendations, model: ServedModel, connection: duckdb.DuckDBPyConnection
) -> dict[str, pd.DataFrame]:
    """The tables of a day from a model that was not chosen by a back-test, with their texts."""
    return frames(capability.score(model, RECORD, capability.read(connection, SHOP)))


def frames(tables: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Tables of numbers with their texts, and frames as they are."""
    return {name: rows.frame() if isinstance(rows, CodedRows) else rows for name, rows in tables.items()}


def write(connection: duckdb.DuckDBPyConnection, tables: dict[str, pd.DataFrame]) -> None:
    """As served."""
    status = ScoreStatus(SHOP, "recommendations", AS_OF, AS_OF, FRESH, "", RECORD.version)
    write_served(connection, Recommendations(), [Served(status, tables)])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return warehouse()


@pytest.fixture(scope="module")
def served(store: ModelStore, connection: duckdb.DuckDBPyConnection) -> Served:
    """A first day, with its training."""
    found = serve(Recommendations(), store, connection, SHOP)
    write_served(connection, Recommendations(), [found])
    return dataclasses.replace(found, tables=frames(found.tables))


def test_a_model_of_tastes_is_chosen_and_everyone_gets_a_list(
    served: Served, connection: duckdb.DuckDBPyConnection
) -> None:
    assert served.status.status == FRESH and served.record is not None
    assert not served.record.model.startswith("popular")
    lists = served.tables["recommendations"]
    assert list(lists.columns) == list(Recommendations.tables["recommendations"])
    known = connection.execute("SELECT count(DISTINCT user_id) FROM features.feat_user_item_days").fetchone()
    assert known is not None and lists["user_id"].nunique() == known[0]
    # the own taste leads: even users get even items first
    firsts = lists[lists["rank"] <= 3]
    own = firsts["user_id"].str[-4:].astype(int) % 2 == firsts["item_id"].str[1:].astype(int) % 2
    assert own.mean() > 0.85
    figures = served.evaluation.set_index(["model", "metric"])["value"]
    assert figures[served.record.model, "mean_ndcg_of_cuts"] > figures["popular", "mean_ndcg_of_cuts"]
    assert {("popular", "ndcg@10"), ("popular_7_days", "ndcg@10"), ("router", "ndcg@10")} <= set(figures.index)


def test_lists_hold_nothing_seen_nothing_withdrawn_and_one_variant(
    served: Served, connection: duckdb.DuckDBPyConnection
) -> None:
    lists = served.tables["recommendations"]
    assert WITHDRAWN not in set(lists["item_id"])
    seen = connection.execute("SELECT DISTINCT user_id, item_id FROM features.feat_user_item_days").df()
    assert lists.merge(seen, on=["user_id", "item_id"]).empty
    of_family = lists[lists["item_id"].isin(VARIANTS)]
    assert len(of_family) > 20 and of_family.groupby("user_id").size().max() == 1
    bought = connection.execute(
        "SELECT DISTINCT user_id FROM features.feat_user_item_days WHERE purchases > 0 AND list_contains(?, item_id)",
        [list(VARIANTS)],
    ).df()
    assert len(bought) > 5 and not set(bought["user_id"]) & set(of_family["user_id"])
    ranks = lists.groupby("user_id")["rank"].agg(["min", "max", "size"])
    assert (ranks["min"] == 1).all() and (ranks["max"] == ranks["size"]).all() and ranks["max"].max() <= 20
    for name in ("item_similarities", "newcomer_recommendations"):
        shown = served.tables[name]
        column = "similar_item_id" if name == "item_similarities" else "item_id"
        assert len(shown) and WITHDRAWN not in set(shown[column])


def test_reasons_are_items_of_the_user_with_the_people_behind_them(
    served: Served, connection: duckdb.DuckDBPyConnection
) -> None:
    lists = served.tables["recommendations"]
    told = lists[lists["because_item_id"].notna()]
    assert len(told) > 0.8 * len(lists)
    own = connection.execute(
        "SELECT user_id, item_id AS because_item_id, sum(purchases) > 0 AS bought "
        "FROM features.feat_user_item_days GROUP BY 1, 2"
    ).df()
    joined = told.merge(own, on=["user_id", "because_item_id"], how="left")
    assert joined["bought"].notna().all()
    said = joined["reason"].str.contains("which you bought")
    assert (said == joined["bought"].astype(bool)).all() and said.any() and not said.all()
    row = joined.iloc[0]
    both = connection.execute(
        "SELECT count(*) FROM (SELECT user_id FROM features.feat_user_item_days WHERE item_id IN (?, ?) "
        "GROUP BY user_id HAVING count(DISTINCT item_id) = 2)",
        [row["because_item_id"], row["item_id"]],
    ).fetchone()
    assert both is not None and row["evidence"] == both[0] and f"({both[0]} people chose both)" in row["reason"]
    assert "两者都选" in row["reason_zh"]


def test_similar_items_are_of_the_same_taste_and_never_the_own_variant(served: Served) -> None:
    similar = served.tables["item_similarities"]
    assert set(similar["kind"]) == {"viewed", "bought", "content"}
    viewed = similar[(similar["kind"] == "viewed") & (similar["rank"] == 1)]
    alike = viewed["item_id"].str[1:].astype(int) % 2 == viewed["similar_item_id"].str[1:].astype(int) % 2
    assert alike.mean() > 0.8
    assert (similar["item_id"] != similar["similar_item_id"]).all()
    both = similar["item_id"].isin(VARIANTS) & similar["similar_item_id"].isin(VARIANTS)
    assert not both.any()
    assert similar.loc[similar["kind"] == "content", "users"].isna().all()
    assert (similar.loc[similar["kind"] != "content", "users"].astype(int) >= 2).all()
    # a product that nobody has seen is like others by what is written about it
    assert "new" in set(similar.loc[similar["kind"] == "content", "item_id"])


def test_the_same_day_again_writes_the_same(
    served: Served, store: ModelStore, connection: duckdb.DuckDBPyConnection
) -> None:
    again = serve(Recommendations(), store, connection, SHOP)
    assert again.record is not None and served.record is not None and again.record.version == served.record.version
    for name in ("recommendations", "item_similarities", "newcomer_recommendations"):
        pd.testing.assert_frame_equal(frames(again.tables)[name], served.tables[name], check_dtype=False)
    before = connection.execute("SELECT * FROM ml.recommendations ORDER BY ALL").fetchall()
    write_served(connection, Recommendations(), [again])
    assert connection.execute("SELECT * FROM ml.recommendations ORDER BY ALL").fetchall() == before


@pytest.mark.parametrize("chosen", ["sums", "fusion"])
def test_only_who_did_something_is_scored_again_and_nothing_differs(chosen: str) -> None:
    days = choices()
    connection = warehouse(days)
    yesterday = AS_OF - dt.timedelta(days=8)
    know_until(connection, yesterday, days)
    log = read_log(connection, SHOP, newest_day(connection, SHOP), active_days=90)
    sums = EASE(30).fit(log.interactions)
    fitted = sums if chosen == "sums" else ZScoreFusion([EASE(30), ItemKNN("tfidf")]).fit(log.interactions)
    near = without_users(ItemKNN("tfidf").fit(log.interactions))
    assert isinstance(near, ItemKNN)
    model = ServedModel("m", without_users(fitted), True, near, NEAR, 7.0, ())
    first = score(Recommendations(), model, connection)
    write(connection, first)
    know_until(connection, AS_OF, days)
    part = score(Recommendations(), model, connection)
    whole = score(Recommendations(incremental=False), model, connection)
    run = part["recommendation_runs"].iloc[0]
    assert 0 < run["users_scored_anew"] < run["users"]
    one, other = (frame["recommendations"].drop(columns="updated_for") for frame in (part, whole))
    pd.testing.assert_frame_equal(one, other, check_dtype=False)
    updated = pd.to_datetime(part["recommendations"]["updated_for"])
    assert set(updated) == {pd.Timestamp(yesterday) - pd.Timedelta(1, "D"), pd.Timestamp(AS_OF) - pd.Timedelta(1, "D")}
    # a product is withdrawn: everyone is looked at again, and nobody gets it
    write(connection, part)
    gone = str(part["recommendations"]["item_id"].mode()[0])
    connection.execute("UPDATE marts.dim_products SET is_active = FALSE WHERE item_id = ?", [gone])
    after = score(Recommendations(), model, connection)
    assert gone not in set(after["recommendations"]["item_id"])
    assert after["recommendation_runs"].iloc[0]["users_scored_anew"] == run["users"]


@pytest.mark.parametrize("what", ["an old day is filled in", "a short list can be filled up"])
def test_a_list_does_not_stay_where_it_would_be_another_from_nothing(what: str) -> None:
    short = what.startswith("a short")
    days = choices(n_items=14 if short else 60)
    connection = warehouse(days, products(n_items=14) if short else None)
    know_until(connection, AS_OF - dt.timedelta(days=8), days)
    log = read_log(connection, SHOP, newest_day(connection, SHOP), active_days=90)
    near = without_users(ItemKNN("tfidf").fit(log.interactions))
    assert isinstance(near, ItemKNN)
    model = ServedModel("m", without_users(EASE(30).fit(log.interactions)), True, near, NEAR, 7.0, ())
    write(connection, score(Recommendations(), model, connection))
    last = days.groupby("user_id")["event_date"].max()
    idle = sorted(last[last < AS_OF - dt.timedelta(days=25)].index)
    assert len(idle) > 2
    if short:
        # somebody chooses what nobody had chosen
        new = days.tail(1).assign(user_id=days["user_id"].iloc[-1], item_id="new", event_date=AS_OF)
        new["event_date"] = AS_OF - dt.timedelta(days=1)
    else:
        # an older log is loaded afterwards: nobody's newest day changes by it
        lists = connection.execute("SELECT user_id, item_id FROM ml.recommendations WHERE rank = 1").df()
        new = lists[lists["user_id"].isin(idle)].assign(
            **{name: days[name].iloc[0] for name in days.columns if name not in ("user_id", "item_id")}
        )
    know_until(connection, AS_OF, pd.concat([days, new[days.columns]], ignore_index=True))
    one, other = (
        score(Recommendations(incremental=incremental), model, connection)["recommendations"].drop(
            columns="updated_for"
        )
        for incremental in (True, False)
    )
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_who_has_few_items_is_asked_of_the_items_near_them_unless_the_back_test_speaks_against_it() -> None:
    connection = warehouse()
    log = read_log(connection, SHOP, AS_OF, active_days=90)
    near = without_users(ItemKNN("tfidf").fit(log.interactions))
    assert isinstance(near, ItemKNN)
    model = ServedModel("m", without_users(EASE(30).fit(log.interactions)), True, near, NEAR, 7.0, ())
    sizes = pd.Series(np.diff(log.interactions.matrix.indptr), index=log.interactions.users)
    by_rule = score(Recommendations(), model, connection)["recommendations"]
    personal = by_rule[~by_rule["model"].str.startswith("popular")]
    few = personal["user_id"].map(sizes) <= 5
    assert set(personal.loc[few, "model"]) == {"item_knn_tfidf"} and set(personal.loc[~few, "model"]) == {"ease"}
    told = dataclasses.replace(model, few=CHOSEN)
    by_evidence = score(Recommendations(), told, connection)["recommendations"]
    assert "item_knn_tfidf" not in set(by_evidence["model"])


def test_where_popularity_serves_everyone_gets_what_is_popular_and_unseen() -> None:
    connection = warehouse()
    log = read_log(connection, SHOP, AS_OF, active_days=90)
    near = without_users(ItemKNN("tfidf").fit(log.interactions))
    assert isinstance(near, ItemKNN)
    lists = score(Recommendations(), ServedModel("popular", None, True, near, NEAR, None, ()), connection)[
        "recommendations"
    ]
    assert set(lists["model"]) == {"popular"} and set(lists["reason_zh"]) == {"本店热门"}
    assert lists["user_id"].nunique() == len(log.interactions.users)
    # by hand: the most popular of each family that is on sale, without what is seen and variants of what was bought
    rows = choices()
    counted = rows.groupby("item_id")["user_id"].nunique().drop(WITHDRAWN)
    family = {item: "同款" if item in VARIANTS else item for item in counted.index}
    order = sorted(counted.index, key=lambda item: (-counted[item], item))
    leading = [item for number, item in enumerate(order) if family[item] not in [family[one] for one in order[:number]]]
    for user, own in list(rows.groupby("user_id"))[:40]:
        bought = {family[item] for item in own.loc[own["purchases"] > 0, "item_id"] if item in family}
        open_to = [item for item in leading if item not in set(own["item_id"]) and family[item] not in bought]
        assert list(lists.loc[lists["user_id"] == user, "item_id"]) == open_to[:20]


def test_a_cut_knows_nothing_of_who_comes_back_after_it() -> None:
    """What the back-test learns from at a cut is what was there on that day, weight by weight."""
    days = choices()
    cut = AS_OF - dt.timedelta(days=20)
    learned = []
    for known_until in (AS_OF, cut):
        connection = warehouse(days)
        know_until(connection, known_until, days)
        read_log(connection, SHOP, known_until, active_days=90)
        rows = sampled_rows(connection, users=1_000)
        before = rows[rows["day"] < pd.Timestamp(cut)]
        train = faded(Split("cut", before, rows[rows["day"] >= pd.Timestamp(cut)])).train
        assert 0 < train["weight"].min() < 0.9 * train["weight"].max()
        learned.append(train.sort_values(["user", "item", "day"], ignore_index=True))
    pd.testing.assert_frame_equal(*learned)
    log = read_log(connection, SHOP, cut, active_days=90).interactions
    ours = Interactions.from_frame(learned[0], items=log.items)
    assert abs(ours.matrix - log.matrix).max() < 1e-5


def test_strangers_are_shown_what_is_popular_with_strangers() -> None:
    connection = warehouse()
    log = read_log(connection, SHOP, AS_OF, active_days=90)
    near = without_users(ItemKNN("tfidf").fit(log.interactions))
    assert isinstance(near, ItemKNN)
    model = ServedModel("popular", None, True, near, NEAR, 7.0, (), newcomer_days=30.0)
    tables = score(Recommendations(), model, connection)
    assert set(tables["recommendations"]["model"]) == {"popular_7_days"}
    shop_and_categories = tables["newcomer_recommendations"].query("scope in ('shop', 'category')")
    assert set(shop_and_categories["model"]) == {"popular_30_days"}
    assert set(shop_and_categories["reason"]) == {"Popular in the last 30 days"}


def test_who_saw_everything_gets_nothing_and_others_do() -> None:
    days = choices()
    everything = pd.DataFrame({"item_id": products()["item_id"]}).assign(
        shop_id=SHOP, event_date=AS_OF - dt.timedelta(days=1), user_id="v9999", views=1
    )
    everything = everything.assign(wishlist_adds=0, cart_adds=0, purchases=0, last_event_ts=days["last_event_ts"].max())
    connection = warehouse(pd.concat([days, everything[days.columns]]))
    log = read_log(connection, SHOP, AS_OF, active_days=90)
    near = without_users(ItemKNN("tfidf").fit(log.interactions))
    assert isinstance(near, ItemKNN)
    model = ServedModel("m", without_users(EASE(30).fit(log.interactions)), True, near, NEAR, 7.0, ())
    users = set(score(Recommendations(), model, connection)["recommendations"]["user_id"])
    assert users == set(days["user_id"])


def test_a_short_list_of_the_model_is_filled_up_with_what_is_popular_below_it() -> None:
    connection = warehouse()
    log = read_log(connection, SHOP, AS_OF, active_days=90)
    near = without_users(ItemKNN("tfidf", neighbours=1).fit(log.interactions))
    assert isinstance(near, ItemKNN)
    lists = score(Recommendations(), ServedModel("m", near, True, near, NEAR, 7.0, ()), connection)["recommendations"]
    popular = lists["model"] == "popular_7_days"
    both = lists.groupby("user_id")["model"].agg(lambda models: len(set(models)) > 1)
    assert both.sum() > 50
    for _, one in list(lists[lists["user_id"].isin(both[both].index)].groupby("user_id"))[:40]:
        assert one["score"].is_monotonic_decreasing and one["item_id"].is_unique and len(one) == 20
        assert (
            one.loc[one["model"] == "popular_7_days", "rank"].min()
            > one.loc[one["model"] != "popular_7_days", "rank"].max()
        )
    assert set(lists.loc[popular, "reason"]) == {"Popular this week"}


def test_a_shop_without_choices_or_with_too_few_says_so(store: ModelStore) -> None:
    nobody = serve(Recommendations(), store, warehouse(choices().head(0)), "空店")
    assert nobody.status.status == NOT_ENOUGH_DATA and "needed at least one, found none" in nobody.status.reason
    days = choices(n_users=6)
    few = serve(Recommendations(), ModelStore(store.folder / "few"), warehouse(days), SHOP)
    assert few.status.status == NOT_ENOUGH_DATA and "needed 30" in few.status.reason


def test_faults_of_lists() -> None:
    connection = warehouse()
    log = read_log(connection, SHOP, AS_OF, active_days=90)
    near = without_users(ItemKNN("tfidf").fit(log.interactions))
    assert isinstance(near, ItemKNN)
    model = ServedModel("m", without_users(EASE(30).fit(log.interactions)), True, near, NEAR, 7.0, ())
    data = Recommendations().read(connection, SHOP)
    tables = Recommendations().score(model, RECORD, data)
    lists = tables["recommendations"]
    assert isinstance(lists, CodedRows)

    def fault(codes: pd.DataFrame) -> str:
        return str(Recommendations().fault({"recommendations": dataclasses.replace(lists, codes=codes)}, RECORD))

    assert Recommendations().fault(tables, RECORD) is None
    assert fault(lists.codes.head(0)) == "no user got a list"
    one = lists.codes[lists.codes["user_no"] == lists.codes["user_no"].iloc[0]]
    same = pd.concat([one.assign(user_no=number) for number in range(30)])
    assert fault(same) == "m gives the same list to all 30"
    assert fault(pd.concat([same, one.head(3).assign(user_no=30)])) == "None"
    other = same["item_no"].where(~((same["user_no"] == 29) & (same["rank"] == 5)), int(same["item_no"].max()) + 1)
    assert fault(same.assign(item_no=other)) == "None"
    assert "1 items are in a list twice" in fault(pd.concat([lists.codes, lists.codes.head(1).assign(rank=21)]))


def test_an_item_id_of_two_shops_is_two_items() -> None:
    other = choices(seed=9).assign(shop_id="other")
    connection = warehouse(pd.concat([choices(), other]), pd.concat([products(), products().assign(shop_id="other")]))
    alone = read_log(warehouse(), SHOP, AS_OF, active_days=90)
    beside = read_log(connection, SHOP, AS_OF, active_days=90)
    assert (alone.interactions.matrix != beside.interactions.matrix).nnz == 0
    assert list(alone.interactions.items) == list(beside.interactions.items)


def test_who_was_erased_is_forgotten_also_where_the_shop_is_refused() -> None:
    connection = warehouse()
    log = read_log(connection, SHOP, AS_OF, active_days=90)
    near = without_users(ItemKNN("tfidf").fit(log.interactions))
    assert isinstance(near, ItemKNN)
    write(connection, score(Recommendations(), ServedModel("popular", None, True, near, NEAR, 7.0, ()), connection))
    erased, stays = log.interactions.users[0], log.interactions.users[1]
    connection.execute("CREATE SCHEMA staging; CREATE TABLE staging.stg_shops AS SELECT ? AS shop_id", [SHOP])
    connection.execute("DELETE FROM features.feat_user_item_days WHERE user_id = ?", [erased])
    refused = ScoreStatus(SHOP, "recommendations", AS_OF, AS_OF, "stale", "drift", RECORD.version)
    write_served(connection, Recommendations(), [Served(refused)])
    named = {row[0] for row in connection.execute("SELECT DISTINCT user_id FROM ml.recommendations").fetchall()}
    assert erased not in named and stays in named and len(named) == len(log.interactions.users) - 1

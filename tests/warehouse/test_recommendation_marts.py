"""Marts of recommendations: empty before a model has run; then lists without what is withdrawn or gone, and how old."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from ingestion.shops import Shop
from tests.properties.warehouse import Warehouse
from tests.warehouse.list_queries import documented_query
from tests.warehouse.planted_recommendations import plant_recommendations
from tests.warehouse.planted_scores import after_models, plant_scores, plant_status

DAY = date(2026, 3, 10)
SHOPS = ("fresh", "refused")
LISTS = (
    "recommendations",
    "item_similarities",
    "newcomer_recommendations",
    "session_next_items",
    "cross_sell",
    "buy_again",
)
_ITEMS = ("item_id", "similar_item_id", "item_id", "next_item_id", "partner_item_id", "item_id")
MARTS = (*LISTS, "association_rules", "recommendation_evaluation")
#: The catalogue says of this product, which the models list second, that it is not on sale any more.
WITHDRAWN = "i2"


def _built(home: Path) -> Warehouse:
    """Two shops of five products that a customer and a visitor look at, as a run leaves them before the models."""
    warehouse = Warehouse(home)
    people = ({"device_id": "d1", "customer_id": "c1"}, {"device_id": "d2"})
    for shop in SHOPS:
        events: list[dict[str, object]] = [
            {
                "event_id": f"e{number}-{who['device_id']}",
                "event_name": "view_item",
                "event_ts": f"{DAY}T10:0{number}:00+08:00",
                "item_id": f"i{number}",
                "item_category": "all",
            }
            | who
            for who in people
            for number in range(1, 6)
        ]
        warehouse.land_events(Shop(shop, "Asia/Shanghai", "CNY"), DAY, events)
    warehouse.build(select=("+customer_360", "+feat_user_item_days", "dim_products"))
    return warehouse


@pytest.fixture(scope="module")
def unserved(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """No model has run yet."""
    warehouse = _built(tmp_path_factory.mktemp("unserved"))
    after_models(warehouse)
    return warehouse


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """All models have run, then a product was withdrawn; of one shop newer lists were refused."""
    warehouse = _built(tmp_path_factory.mktemp("served"))
    file = warehouse.home / "warehouse.duckdb"
    plant_scores(file, DAY + timedelta(days=1))
    plant_recommendations(file, DAY + timedelta(days=1))
    plant_status(file, "fresh", "recommendations", "fresh", "")
    plant_status(file, "refused", "recommendations", "stale", "one list for everyone")
    with duckdb.connect(str(file)) as connection:
        # what a catalogue would say, and the events do not
        connection.execute(
            "update marts.dim_products set item_name = 'Product ' || substr(item_id, 2), is_active = item_id <> ?",
            [WITHDRAWN],
        )
    after_models(warehouse)
    return warehouse


def test_marts_are_empty_before_a_model_has_run(unserved: Warehouse) -> None:
    for mart in MARTS:
        assert unserved.rows(f"from marts.{mart}") == []


def test_a_user_s_list_closes_up_where_a_product_was_withdrawn(served: Warehouse) -> None:
    assert served.rows(
        "select user_id, customer_id, rank, item_id, item_name, item_category, score, reason_zh, updated_for "
        "from marts.recommendations where shop_id = 'fresh' order by user_id, rank"
    ) == [
        (user, customer, rank, f"i{number}", f"Product {number}", "all", 1 / number, "本周热门", DAY)
        for user, customer in (("customer:c1", "c1"), ("d2", None))
        for rank, number in enumerate((1, 3, 4, 5), start=1)
    ]


def test_withdrawn_products_are_in_no_list_and_mark_their_rules(served: Warehouse) -> None:
    for mart, item in zip(LISTS, _ITEMS, strict=True):
        written = served.rows(f"select count(*) > 0 from ml.{mart} where {item} = '{WITHDRAWN}'")
        assert written == [(True,)], mart
        assert served.rows(f"select 1 from marts.{mart} where {item} = '{WITHDRAWN}'") == [], mart
    assert served.rows(
        "select antecedent, antecedent_names, consequent_name, is_on_sale from marts.association_rules "
        "where shop_id = 'fresh' order by antecedent"
    ) == [
        (["i1", "i2"], ["Product 1", "Product 2"], "Product 3", False),
        (["i2", "i3"], ["Product 2", "Product 3"], "Product 4", False),
        (["i3", "i4"], ["Product 3", "Product 4"], "Product 5", True),
    ]


def test_other_lists_close_up_too_and_no_product_follows_itself(served: Warehouse) -> None:
    next_items = "select rank, next_item_id, next_item_name from marts.session_next_items "
    assert served.rows(f"{next_items} where shop_id = 'fresh' and item_id = 'i1' order by rank") == [
        (1, "i3", "Product 3"),
        (2, "i4", "Product 4"),
    ]
    alike = "select rank, item_name, similar_item_id, users from marts.item_similarities "
    assert served.rows(f"{alike} where shop_id = 'fresh' and item_id = 'i1' and kind = 'bought' order by rank") == [
        (1, "Product 1", "i3", 3),
        (2, "Product 1", "i4", 3),
    ]
    partners = "select rank, item_name, partner_item_id, partner_item_category, lift_low from marts.cross_sell "
    assert served.rows(f"{partners} where shop_id = 'fresh' and item_id = 'i1' order by rank") == [
        (1, "Product 1", "i3", "all", 2.6)
    ]
    newcomers = "select scope_value, list(item_id order by rank) from marts.newcomer_recommendations "
    assert served.rows(f"{newcomers} where shop_id = 'fresh' group by scope_value order by 1") == [
        ("", ["i1", "i3", "i4", "i5"]),
        ("CN / 广东", ["i5", "i4", "i3", "i1"]),
        ("all", ["i1", "i3", "i4", "i5"]),
    ]


def test_lists_that_were_refused_are_marked_with_the_reason(served: Warehouse) -> None:
    for mart in LISTS[:3]:
        assert served.rows(f"select distinct shop_id, is_stale, stale_reason from marts.{mart} order by 1") == [
            ("fresh", False, None),
            ("refused", True, "one list for everyone"),
        ]
    # another capability's lists are no older for it
    for mart in ("session_next_items", "association_rules", "cross_sell", "buy_again"):
        assert served.rows(f"select distinct is_stale from marts.{mart}") == [(False,)]


def test_lists_of_an_earlier_day_are_stale_though_nobody_says_so(tmp_path: Path) -> None:
    warehouse = _built(tmp_path / "died")
    plant_recommendations(warehouse.home / "warehouse.duckdb", DAY - timedelta(days=2))
    after_models(warehouse)
    reason = "scored as of 2026-03-08, the data go on to 2026-03-10"
    for mart in (*LISTS, "association_rules"):
        assert warehouse.rows(f"select distinct is_stale, stale_reason from marts.{mart}") == [(True, reason)]


def test_only_the_newest_figures_of_recommenders_are_shown(served: Warehouse) -> None:
    assert served.rows(
        "select capability, model, metric, value, ci_low, ci_high, n, as_of from marts.recommendation_evaluation "
        "where shop_id = 'fresh' order by capability, model"
    ) == [
        (capability, model, "recall@20", 0.2, 0.05, 0.3, 500, DAY + timedelta(days=1))
        for capability in ("association_rules", "buy_again", "recommendations", "session_next_items")
        for model in ("item_knn", "popularity")
    ]


def test_lists_are_published_with_their_products_and_lists_of_names(served: Warehouse) -> None:
    reader = served.publish(*MARTS)
    assert reader.table("recommendations").key == ("shop_id", "user_id", "rank")
    with reader.connect() as connection:
        names = connection.execute("select antecedent_names from association_rules order by all limit 1").fetchall()
    assert names == [(["Product 1", "Product 2"],)]


def test_a_front_end_asks_the_published_lists_for_a_newcomer(served: Warehouse) -> None:
    reader = served.publish("session_next_items", "newcomer_recommendations", "dim_products")
    query = documented_query("newcomer_list")
    known = {"shop": "fresh", "last_item": "i1", "category": None, "region": "CN / 广东", "country": "CN"}
    with reader.connect() as connection:
        # i2, which followed i1 and was popular, is withdrawn; i1 is what is looked at
        assert connection.execute(query, known).fetchall() == [("i3", "session"), ("i4", "session"), ("i5", "region")]
        known |= {"last_item": None, "region": "CN / 海南"}
        assert [row[0] for row in connection.execute(query, known).fetchall()] == ["i1", "i3", "i4", "i5"]


def test_a_front_end_asks_the_published_rules_for_a_basket(served: Warehouse) -> None:
    query = documented_query("basket_list")
    with served.publish("association_rules", "dim_products").connect() as connection:
        found = connection.execute(query, {"shop": "fresh", "basket": ["i1", "i2", "i3", "i4"]}).fetchall()
        assert [(row[0], row[1]) for row in found] == [("i5", ["i3", "i4"])]
        assert connection.execute(query, {"shop": "fresh", "basket": ["i3"]}).fetchall() == []

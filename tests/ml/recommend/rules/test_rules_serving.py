"""Association rules from the warehouse into the warehouse; rules that hold no more leave it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ml.recommend.rules.serving import ASSOCIATION_COLUMNS, CROSS_SELL_COLUMNS, AssociationRules, rule_id
from ml.registry.store import ModelStore
from ml.serving.serve import Served, serve
from ml.serving.status import FRESH, NOT_ENOUGH_DATA
from ml.serving.write import write_served

SHOP, AS_OF = "店", dt.date(2026, 3, 1)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        opened.execute(
            "CREATE SCHEMA marts; CREATE SCHEMA features;"
            "CREATE TABLE features.feat_as_of_dates (shop_id VARCHAR, as_of DATE);"
            "CREATE TABLE features.feat_user_item_days (shop_id VARCHAR, event_date DATE);"
            "CREATE TABLE marts.fct_orders (shop_id VARCHAR, order_id VARCHAR, status VARCHAR);"
            "CREATE TABLE marts.fct_order_items "
            "(shop_id VARCHAR, order_id VARCHAR, line_type VARCHAR, line_date DATE, item_id VARCHAR);"
            "CREATE TABLE marts.dim_products (shop_id VARCHAR, item_id VARCHAR, is_current BOOLEAN, is_active BOOLEAN, "
            "item_name VARCHAR, item_category VARCHAR, item_brand VARCHAR, price_minor BIGINT)"
        )
        opened.execute("INSERT INTO features.feat_as_of_dates VALUES (?, ?)", [SHOP, AS_OF])
        yield opened


def order(connection: duckdb.DuckDBPyConnection, prefix: str, items: list[str], orders: int) -> None:
    day = AS_OF - dt.timedelta(days=5)
    for number in range(orders):
        for item in items:
            row = [SHOP, f"{prefix}{number}", "purchase", day, item]
            connection.execute("INSERT INTO marts.fct_order_items VALUES (?, ?, ?, ?, ?)", row)


def run(connection: duckdb.DuckDBPyConnection, store: ModelStore) -> Served:
    served = serve(AssociationRules(), store, connection, SHOP)
    write_served(connection, AssociationRules(), [served])
    return served


def test_rules_are_written_with_their_counts_and_leave_when_they_hold_no_more(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    store = ModelStore(tmp_path)
    order(connection, "茶", ["茶", "杯"], 12)
    order(connection, "other", ["书"], 40)
    order(connection, "a", ["杯"], 3)
    served = run(connection, store)
    assert served.status.status == FRESH and served.record is not None
    assert list(served.tables["association_rules"].columns) == list(ASSOCIATION_COLUMNS)
    found = connection.execute(
        "SELECT antecedent, antecedent_size, consequent_item_id, baskets_both, baskets_antecedent, baskets_consequent, "
        "baskets, confidence, lift, p_value < 0.05 FROM ml.association_rules ORDER BY confidence DESC"
    ).fetchall()
    assert found == [
        (["茶"], 1, "杯", 12, 12, 15, 55, 1.0, 55 / 15, True),
        (["杯"], 1, "茶", 12, 15, 12, 55, 0.8, 12 * 55 / (15 * 12), True),
    ]
    assert list(served.tables["cross_sell"].columns) == list(CROSS_SELL_COLUMNS)
    partners = connection.execute(
        "SELECT item_id, rank, partner_item_id, baskets_both, baskets_item, baskets_partner, baskets, confidence, "
        "support, lift_low < lift AND lift <= lift_high, leverage, p_value < 0.05 FROM ml.cross_sell ORDER BY item_id"
    ).fetchall()
    leverage = (12 - 12 * 15 / 55) / 55
    assert partners == [
        ("杯", 1, "茶", 12, 15, 12, 55, 0.8, 12 / 55, True, leverage, True),
        ("茶", 1, "杯", 12, 12, 15, 55, 1.0, 12 / 55, True, leverage, True),
    ]
    figures = served.evaluation.set_index("metric")["value"]
    assert figures["rules_kept"] == 2 and figures["orders_with_several_products"] == 12
    # the same day again: the same rows
    before = connection.execute("SELECT * FROM ml.association_rules ORDER BY ALL").fetchall()
    run(connection, store)
    assert connection.execute("SELECT * FROM ml.association_rules ORDER BY ALL").fetchall() == before
    # what was withdrawn is not offered, and may still lead to others
    connection.execute(
        "INSERT INTO marts.dim_products (shop_id, item_id, is_current, is_active) VALUES (?, '杯', TRUE, FALSE)", [SHOP]
    )
    run(connection, store)
    assert connection.execute("SELECT consequent_item_id FROM ml.association_rules").fetchall() == [("茶",)]
    assert connection.execute("SELECT partner_item_id FROM ml.cross_sell").fetchall() == [("茶",)]
    # what goes with everything goes with nothing in particular: no rule is left, and none stays behind
    order(connection, "b", ["杯"], 60)
    order(connection, "c", ["茶"], 60)
    assert run(connection, store).status.status == FRESH
    assert connection.execute("SELECT count(*) FROM ml.association_rules").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM ml.cross_sell").fetchone() == (0,)


def test_one_of_a_family_is_offered_and_no_variant_of_what_is_there(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    product = "INSERT INTO marts.dim_products VALUES (?, ?, TRUE, ?, ?, 'c', NULL, 100)"
    for item, is_active in (("s", True), ("m", True), ("l", False), ("xl", True)):
        connection.execute(product, [SHOP, item, is_active, "衬衫"])
    for item in ("带", "帽"):
        connection.execute(product, [SHOP, item, True, item])
    # the size that goes with the belt most often is withdrawn; who buys a shirt often takes another size along
    order(connection, "m带", ["m", "带"], 12)
    order(connection, "s带", ["s", "带"], 9)
    order(connection, "l带", ["l", "带"], 15)
    order(connection, "xl带帽", ["xl", "带", "帽"], 9)
    order(connection, "sm", ["s", "m"], 14)
    order(connection, "else", ["书"], 300)
    run(connection, ModelStore(tmp_path))
    partners = "SELECT list(partner_item_id ORDER BY rank) FROM ml.cross_sell WHERE item_id = ?"
    rules = "SELECT list(consequent_item_id) FROM ml.association_rules WHERE antecedent = [?]"
    for query in (partners, rules):
        offered = {
            item: connection.execute(query, [item]).fetchall()[0][0] for item in ("s", "m", "l", "xl", "带", "帽")
        }
        assert offered["s"] == offered["m"] == offered["l"] == ["带"]
        assert set(offered["xl"]) == {"带", "帽"} and set(offered["帽"]) == {"xl", "带"}
        assert len(offered["带"]) == 2 and set(offered["带"]) == {"m", "帽"}
    pairs = "SELECT antecedent FROM ml.association_rules WHERE len(antecedent) = 2 AND consequent_item_id = ?"
    # a longer antecedent knows its own families too
    assert all("s" not in row[0] for row in connection.execute(pairs, ["m"]).fetchall())
    ranks = connection.execute("SELECT item_id, max(rank), count(*) FROM ml.cross_sell GROUP BY item_id").fetchall()
    assert all(last == listed for _, last, listed in ranks)


def test_a_shop_of_single_products_says_so(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    order(connection, "a", ["杯"], 30)
    served = run(connection, ModelStore(tmp_path))
    assert served.status.status == NOT_ENOUGH_DATA
    assert "needed 3, found 0 of 30 orders" in served.status.reason


def test_a_rules_name_is_of_its_items() -> None:
    assert rule_id(["a", "b"], "c") == rule_id(["a", "b"], "c")
    assert len({rule_id(["a", "b"], "c"), rule_id(["a"], "c"), rule_id(["a,1:b"], "c"), rule_id(["a", "c"], "b")}) == 4

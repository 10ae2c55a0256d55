"""The documented query for baskets: the surest rule that fits for each product, and one of each family."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.recommend.rules.baskets import baskets_of_frame
from ml.recommend.rules.limits import RuleLimits
from ml.recommend.rules.next_items import next_items
from ml.recommend.rules.rules import association_rules
from tests.warehouse.list_queries import documented_query

QUERY = documented_query("basket_list")
_COLUMNS = (
    "shop_id",
    "antecedent",
    "antecedent_size",
    "consequent_item_id",
    "baskets_both",
    "baskets_antecedent",
    "confidence",
    "lift",
)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(
            "CREATE TABLE association_rules (shop_id VARCHAR, antecedent VARCHAR[], antecedent_size BIGINT, "
            "consequent_item_id VARCHAR, baskets_both BIGINT, baskets_antecedent BIGINT, confidence DOUBLE, "
            "lift DOUBLE);"
            "CREATE TABLE dim_products (shop_id VARCHAR, item_id VARCHAR, is_current BOOLEAN, is_active BOOLEAN, "
            "item_name VARCHAR, item_brand VARCHAR, item_category VARCHAR)"
        )
        yield opened


def rule(
    connection: duckdb.DuckDBPyConnection, antecedent: list[str], item: str, share: float, shop: str = "s"
) -> None:
    row = [shop, antecedent, len(antecedent), item, round(100 * share), 100, share, 2.0]
    connection.execute("INSERT INTO association_rules VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def ask(connection: duckdb.DuckDBPyConnection, *basket: str) -> list[tuple[str, list[str]]]:
    found = connection.execute(QUERY, {"shop": "s", "basket": list(basket)}).fetchall()
    return [(row[0], row[1]) for row in found]


def test_the_surest_rule_that_fits_whole_speaks_for_each_product(connection: duckdb.DuckDBPyConnection) -> None:
    rule(connection, ["茶"], "杯", 0.3)
    rule(connection, ["茶", "糖"], "杯", 0.6)
    rule(connection, ["茶"], "糖", 0.5)
    rule(connection, ["书"], "灯", 0.9)
    rule(connection, ["茶"], "theirs", 0.9, shop="other")
    assert ask(connection, "茶") == [("糖", ["茶"]), ("杯", ["茶"])]
    # what is in the basket is not offered, and two products together may say more than one
    assert ask(connection, "糖", "茶", "unknown") == [("杯", ["茶", "糖"])]
    assert ask(connection, "unknown") == ask(connection) == []


def test_one_of_a_family_none_of_the_baskets_own_and_nothing_withdrawn(connection: duckdb.DuckDBPyConnection) -> None:
    product = "INSERT INTO dim_products VALUES ('s', ?, TRUE, ?, ?, NULL, 'c')"
    for item, is_active, name in (
        ("m", True, "衬衫"),
        ("l", True, "衬衫"),
        ("gone", False, "帽"),
        ("red", True, "带"),
        ("blue", None, "带"),
        ("x", True, None),
        ("y", True, None),
    ):
        connection.execute(product, [item, is_active, name])
    for number, item in enumerate(["l", "gone", "red", "blue", "x", "y", "new"]):
        rule(connection, ["鞋"], item, 0.9 - number / 10)
    # the other size is offered to who has none; products without a name are no family
    assert [item for item, _ in ask(connection, "鞋")] == ["l", "red", "x", "y", "new"]
    assert [item for item, _ in ask(connection, "鞋", "m")] == ["red", "x", "y", "new"]
    assert [item for item, _ in ask(connection, "鞋", "blue", "gone")] == ["l", "x", "y", "new"]


def test_it_gives_what_the_model_gives_for_many_baskets_at_once(connection: duckdb.DuckDBPyConnection) -> None:
    generator = np.random.default_rng(3)
    pairs = generator.integers(0, 6, (600, 1)) * 2 + np.array([0, 1])
    lines = [
        (f"b{number:03d}", f"i{item:02d}")
        for number, pair in enumerate(pairs)
        for item in {*pair[generator.random(2) < 0.8].tolist(), *generator.integers(0, 12, 2).tolist()}
    ]
    frame = pd.DataFrame(lines, columns=["basket", "item"])
    with baskets_of_frame(frame, limits=RuleLimits(min_count=3, min_confidence="0.1")) as coded:
        rules = association_rules(coded, drop_redundant=True).frame
    table = rules.assign(shop_id="s", antecedent_size=rules["antecedent"].str.len()).rename(
        columns={"consequent": "consequent_item_id", "n_both": "baskets_both", "n_antecedent": "baskets_antecedent"}
    )
    connection.register("given", table[list(_COLUMNS)])
    connection.execute("INSERT INTO association_rules SELECT * FROM given")
    asked = frame[frame["basket"] < "b040"]
    expected = next_items(rules, asked, 10)
    assert expected["basket"].nunique() > 30 and expected["because"].str.len().max() == 2
    by_basket = {basket: list(zip(of["item"], of["because"], strict=True)) for basket, of in expected.groupby("basket")}
    for basket, of in asked.groupby("basket"):
        assert ask(connection, *of["item"]) == by_basket.get(basket, [])

"""Rules of a shop in the warehouse: its own orders, of the window, not called off."""

from __future__ import annotations

import datetime as dt

import duckdb
import pandas as pd
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.recommend.rules.limits import RuleLimits
from ml.recommend.rules.shop_rules import CROSS_SELL_TABLE_COLUMNS, RULE_TABLE_COLUMNS, learn_rules
from ml.recommend.rules.variants import rules_without_variants
from ml.write_table import replace_rows

AS_OF = dt.date(2025, 3, 1)


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        opened.execute("""
            CREATE SCHEMA marts;
            CREATE TABLE marts.fct_orders (shop_id VARCHAR, order_id VARCHAR, status VARCHAR);
            CREATE TABLE marts.fct_order_items
                (shop_id VARCHAR, order_id VARCHAR, line_type VARCHAR, line_date DATE, item_id VARCHAR);
        """)
        yield opened


def add(connection, shop, prefix, day, items, orders=1, status="completed", line_type="purchase"):
    for number in range(orders):
        connection.execute("INSERT INTO marts.fct_orders VALUES (?, ?, ?)", [shop, f"{prefix}{number}", status])
        for item in items:
            row = [shop, f"{prefix}{number}", line_type, day, item]
            connection.execute("INSERT INTO marts.fct_order_items VALUES (?, ?, ?, ?, ?)", row)


def fill(connection, shop="s"):
    day = AS_OF - dt.timedelta(days=10)
    add(connection, shop, "ab", day, ["a", "b"], 12)
    add(connection, shop, "a", day, ["a"], 3)
    add(connection, shop, "c", day, ["c"], 40)
    add(connection, shop, "cd", day, ["c", "d"], 5)


def test_only_the_shops_own_orders_of_the_window_count(connection):
    fill(connection)
    fill(connection, "other")
    add(connection, "s", "old", AS_OF - dt.timedelta(days=31), ["a", "b"], 7)
    add(connection, "s", "new", AS_OF, ["a", "b"], 7)
    add(connection, "s", "off", AS_OF - dt.timedelta(days=1), ["a", "b"], 7, status="cancelled")
    add(connection, "s", "back", AS_OF - dt.timedelta(days=1), ["a", "b"], 7, line_type="refund")
    # an order id that another shop called off
    add(connection, "other", "ab", AS_OF, ["z"], 12, status="cancelled")
    found = learn_rules(connection, "s", AS_OF, window_days=30)
    assert (found.detail["orders"], found.detail["orders_with_several_products"]) == (60, 17)
    partners = found.partners.set_index(["item_id", "partner_item_id"])
    # a and b go together; c and d do not more than by chance
    assert set(partners.index) == {("a", "b"), ("b", "a")}
    assert tuple(partners.loc[("a", "b"), ["n_both", "n_item", "n_partner", "n_baskets"]]) == (12, 15, 12, 60)
    assert [[*row.antecedent, row.consequent_item_id] for row in found.rules.itertuples()] == [["b", "a"], ["a", "b"]]
    longer = learn_rules(connection, "s", AS_OF, window_days=31)
    assert longer.detail["orders"] == 67
    first = learn_rules(connection, "s", AS_OF + dt.timedelta(days=1), window_days=1)
    assert first.detail["orders"] == 7


def test_rows_go_into_their_tables_and_come_back(connection):
    fill(connection)
    found = learn_rules(connection, "s", AS_OF, window_days=30)
    tables = (
        ("association_rules", RULE_TABLE_COLUMNS, found.rules),
        ("cross_sell", CROSS_SELL_TABLE_COLUMNS, found.partners),
    )
    for name, columns, frame in tables:
        assert replace_rows(connection, ("ml", name), columns, frame) == 2
        # no rules today: the table keeps its types
        assert replace_rows(connection, ("ml", name), columns, frame.head(0)) == 0
        assert replace_rows(connection, ("ml", name), columns, frame) == 2
    kept = connection.execute("SELECT antecedent, typeof(antecedent), window_days FROM ml.association_rules").fetchall()
    assert kept == [(["b"], "VARCHAR[]", 30), (["a"], "VARCHAR[]", 30)]


def test_families(connection):
    day = AS_OF - dt.timedelta(days=1)
    for size in "SML":
        add(connection, "s", f"shirt-{size}-", day, [f"shirt-{size}", "belt"], {"S": 6, "M": 8, "L": 9}[size])
    add(connection, "s", "two", day, ["shirt-S", "shirt-M"], 9)
    add(connection, "s", "hat", day, ["hat"], 200)
    families = {f"shirt-{size}": "shirt" for size in "SML"}

    def pairs(**how):
        found = learn_rules(connection, "s", AS_OF, **how)
        partners = set(zip(found.partners["item_id"], found.partners["partner_item_id"], strict=True))
        return partners, {(*row.antecedent, row.consequent_item_id) for row in found.rules.itertuples()}, found.detail

    whole, whole_rules, detail = pairs()
    assert len(whole) == 8 and detail["rules_to_variants"] == 0
    # belt leads to the size that goes with it most, no size to another one
    expected = {("belt", "shirt-L"), ("shirt-S", "belt"), ("shirt-M", "belt"), ("shirt-L", "belt")}
    found, rules, told = pairs(families=families)
    assert found == rules == expected
    assert told["rules_to_variants"] == len(whole_rules) - 4 and told["rules_kept"] == 4
    # what is withdrawn does not keep the next size out, and leads to the belt all the same
    found, rules, told = pairs(families=families, withdrawn=["shirt-L", "never sold"])
    assert found == rules == expected - {("belt", "shirt-L")} | {("belt", "shirt-M")}
    assert told["rules_to_withdrawn_products"] == 1


def test_a_family_of_an_items_name_is_another_one():
    rules = pd.DataFrame({"antecedent": [["a"], ["a"], ["a", "b"]], "consequent": ["shirt", "shirt-S", "shirt-S"]})
    families = {"shirt-S": "shirt", "b": "shirt"}
    assert rules_without_variants(rules, families)["consequent"].tolist() == ["shirt", "shirt-S"]
    assert rules_without_variants(rules.head(0), families).empty


def test_a_shop_without_orders_of_several_products_says_so(connection):
    with pytest.raises(NotEnoughData, match="needed 3, found 0 of 0 orders"):
        learn_rules(connection, "s", AS_OF)
    add(connection, "s", "ab", AS_OF - dt.timedelta(days=1), ["a", "b"], 2)
    add(connection, "s", "a", AS_OF - dt.timedelta(days=1), ["a"], 9)
    with pytest.raises(NotEnoughData, match="needed 3, found 2 of 11 orders"):
        learn_rules(connection, "s", AS_OF)
    # an empty window after busy days
    with pytest.raises(NotEnoughData, match="0 of 0 orders"):
        learn_rules(connection, "s", AS_OF + dt.timedelta(days=50), window_days=7)


def test_where_nothing_goes_together_the_tables_are_empty_and_the_detail_says_what_was_tested(connection):
    day = AS_OF - dt.timedelta(days=1)
    for number, pair in enumerate((["a", "b"], ["a", "c"], ["b", "c"], ["a", "d"], ["b", "d"], ["c", "d"])):
        add(connection, "s", f"p{number}-", day, pair, 4)
    found = learn_rules(connection, "s", AS_OF)
    assert found.rules.empty and found.partners.empty
    assert (found.detail["pairs_tested"], found.detail["pairs_seen"], found.detail["pairs_kept"]) == (6, 6, 0)


def test_long_orders_are_left_out_and_counted(connection):
    fill(connection)
    add(connection, "s", "robot", AS_OF - dt.timedelta(days=1), [f"i{number}" for number in range(30)])
    limits = RuleLimits(max_basket_items=20)
    detail = learn_rules(connection, "s", AS_OF, limits=limits).detail
    assert (detail["orders"], detail["orders_left_out_as_too_long"]) == (60, 1)


def test_a_window_of_no_days_is_refused(connection):
    with pytest.raises(ValueError, match="window_days: expected at least 1"):
        learn_rules(connection, "s", AS_OF, window_days=0)

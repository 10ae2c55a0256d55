"""Edges: nothing, one of everything, long baskets, families, odd ids."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from ml.recommend.rules.baskets import baskets_of_frame, open_baskets
from ml.recommend.rules.cross_sell import PARTNER_COLUMNS, cross_sell
from ml.recommend.rules.limits import RuleLimits
from ml.recommend.rules.next_items import NEXT_COLUMNS, next_items
from ml.recommend.rules.pairs import PAIR_COLUMNS, count_pairs
from ml.recommend.rules.rules import RULE_COLUMNS, association_rules
from tests.ml.recommend.rules.plain_rules import frame_of

ANYTHING = RuleLimits(min_count=1)


def learned(lines, limits=ANYTHING, families=None):
    with baskets_of_frame(lines, limits=limits, families=families) as coded:
        return coded, count_pairs(coded), association_rules(coded)


@pytest.mark.parametrize(
    ("baskets", "n"), [([], 0), ([["a"]], 1), ([["a", "a"]], 1), ([["a"], ["a"], ["a"]], 3), ([["a"], ["b"]], 2)]
)
def test_where_nothing_is_bought_together_there_is_no_rule(baskets, n):
    coded, pairs, rules = learned(frame_of(baskets))
    assert (coded.n_baskets, coded.n_several) == (n, 0)
    assert pairs.frame.empty and list(pairs.frame.columns) == list(PAIR_COLUMNS)
    assert rules.frame.empty and list(rules.frame.columns) == list(RULE_COLUMNS)
    partners = cross_sell(pairs)
    assert partners.empty and list(partners.columns) == list(PARTNER_COLUMNS)
    offers = next_items(rules.frame, frame_of([["a"]]))
    assert offers.empty and list(offers.columns) == list(NEXT_COLUMNS)


def test_one_basket():
    _, pairs, rules = learned(frame_of([["b", "a", "b"]]))
    assert pairs.frame[["item", "other_item", "n_both"]].to_numpy().tolist() == [["a", "b", 1]]
    assert rules.frame["antecedent"].tolist() == [["a"], ["b"]]
    # a pair that is in every basket says nothing
    assert (rules.frame["lift"] == 1).all() and (rules.frame["p_value"] == 1).all()
    assert cross_sell(pairs).empty


def test_rows_without_a_basket_or_an_item_are_not_baskets():
    lines = pd.DataFrame({"basket": ["1", "1", None, "2", "3"], "item": ["a", "b", "a", None, "a"]})
    coded, pairs, _ = learned(lines)
    assert coded.n_baskets == 2
    assert pairs.frame["n_both"].tolist() == [1]


def test_baskets_too_long_are_left_out_of_everything():
    baskets = [["a", "b"], ["a", "b"], ["a", "c"], [*"abcdef"]]
    coded, pairs, _ = learned(frame_of(baskets), RuleLimits(min_count=1, max_basket_items=5))
    assert (coded.n_baskets, coded.n_several, coded.n_left_out) == (3, 3, 1)
    assert dict(zip(coded.items, coded.item_counts, strict=True)) == {"a": 3, "b": 2, "c": 1}
    assert pairs.frame.set_index(["item", "other_item"])["n_both"].to_dict() == {("b", "a"): 2, ("c", "a"): 1}


def test_length_is_counted_in_different_items():
    coded, _, _ = learned(frame_of([["a", "b", "a", "b", "a"]]), RuleLimits(min_count=1, max_basket_items=2))
    assert (coded.n_baskets, coded.n_left_out) == (1, 0)


def test_variants_of_a_family_are_one_item():
    baskets = [["shirt-S", "shirt-M", "belt"], ["shirt-L", "belt"], ["shirt-S", "shirt-L"], ["shirt", "hat"]]
    families = pd.DataFrame({"item": ["shirt-S", "shirt-M", "shirt-L"], "family": "shirt"})
    coded, pairs, rules = learned(frame_of(baskets), families=families)
    assert dict(zip(coded.items, coded.item_counts, strict=True)) == {"hat": 1, "belt": 2, "shirt": 4}
    assert coded.n_several == 3
    assert pairs.frame.set_index(["item", "other_item"])["n_both"].to_dict() == {
        ("belt", "shirt"): 2,
        ("hat", "shirt"): 1,
    }
    # a basket with one size is not offered another, and is known by its family
    offers = next_items(rules.frame, frame_of([["shirt-M"], ["belt"]]), families=families)
    assert offers[["basket", "item"]].to_numpy().tolist() == [["0", "belt"], ["0", "hat"], ["1", "shirt"]]


def test_an_item_of_two_families_is_refused():
    families = pd.DataFrame({"item": ["a", "a"], "family": ["f", "g"]})
    with (
        pytest.raises(ValueError, match="families: expected one family per item, item 'a'"),
        baskets_of_frame(frame_of([["a"]]), families=families),
    ):
        pass


def test_a_frame_without_baskets_is_refused():
    with pytest.raises(ValueError, match="missing basket"), baskets_of_frame(pd.DataFrame({"item": ["a"]})):
        pass
    with pytest.raises(ValueError, match="missing item"):
        next_items(pd.DataFrame(), pd.DataFrame({"basket": ["a"]}))


def test_numbers_as_ids():
    lines = pd.DataFrame({"basket": [1, 1, 2, 2], "item": [10, 9, 10, 9]})
    _, pairs, rules = learned(lines)
    assert pairs.frame[["item", "other_item"]].to_numpy().tolist() == [["10", "9"]]
    assert next_items(rules.frame, pd.DataFrame({"basket": [7], "item": [9]}))["item"].tolist() == ["10"]


def test_two_sets_of_baskets_on_one_connection_leave_nothing_behind():
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE bought AS "
            "SELECT * FROM (VALUES (1, 'x', 'a'), (1, 'x', 'b'), (2, 'y', 'a')) AS t(shop, basket, item)"
        )
        source = "SELECT basket, item FROM bought WHERE shop = ?"
        with (
            open_baskets(connection, source, [1], limits=ANYTHING) as one,
            open_baskets(connection, source, [2], limits=ANYTHING) as two,
        ):
            assert (list(one.items), list(two.items)) == (["a", "b"], ["a"])
            assert len(count_pairs(one).frame) == 1
        left = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert left == [("bought",)]


def test_nothing_is_left_behind_after_an_error():
    with duckdb.connect() as connection:
        with pytest.raises(duckdb.Error), open_baskets(connection, "SELECT 1 AS basket"):
            pass
        assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]

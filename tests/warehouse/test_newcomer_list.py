"""The documented query for newcomers: the narrowest list first, filled up from the next, one variant of a product."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.warehouse.list_queries import documented_query

QUERY = documented_query("newcomer_list")
#: fallback_order, scope, scope_value -> items in their order.
LISTS = {
    (2, "category", "鞋/靴"): ["boot", "shirt-m", "sandal"],
    (3, "region", "US / Georgia"): ["peach", "boot"],
    (4, "country", "US"): ["flag"],
    (5, "shop", ""): ["best", "shirt-s", "boot", "nameless", "other"],
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(
            "CREATE TABLE session_next_items (shop_id VARCHAR, item_id VARCHAR, rank BIGINT, next_item_id VARCHAR);"
            "CREATE TABLE newcomer_recommendations (shop_id VARCHAR, scope VARCHAR, scope_value VARCHAR, "
            "fallback_order INTEGER, rank BIGINT, item_id VARCHAR);"
            "CREATE TABLE dim_products (shop_id VARCHAR, item_id VARCHAR, is_current BOOLEAN, item_name VARCHAR, "
            "item_brand VARCHAR, item_category VARCHAR)"
        )
        for rank, item in enumerate(["shirt-l", "sock"], start=1):
            opened.execute("INSERT INTO session_next_items VALUES ('s', 'shirt-s', ?, ?)", [rank, item])
        for (order, scope, value), items in LISTS.items():
            for rank, item in enumerate(items, start=1):
                row = ["s", scope, value, order, rank, item]
                opened.execute("INSERT INTO newcomer_recommendations VALUES (?, ?, ?, ?, ?, ?)", row)
        opened.execute("INSERT INTO newcomer_recommendations VALUES ('other shop', 'shop', '', 5, 1, 'theirs')")
        for item in ("boot", "sandal", "peach", "flag", "best", "sock"):
            opened.execute("INSERT INTO dim_products VALUES ('s', ?, TRUE, ?, NULL, 'c')", [item, item])
        for item in ("shirt-s", "shirt-m", "shirt-l"):
            # its name before does not matter, nor what another shop calls a product of that id
            opened.execute("INSERT INTO dim_products VALUES ('s', ?, FALSE, ?, NULL, 'c')", [item, item])
            opened.execute("INSERT INTO dim_products VALUES ('s', ?, TRUE, '衬衫', NULL, 'c')", [item])
            opened.execute("INSERT INTO dim_products VALUES ('t', ?, TRUE, 'else', NULL, 'c')", [item])
        for item in ("nameless", "other"):
            opened.execute("INSERT INTO dim_products VALUES ('s', ?, TRUE, NULL, NULL, NULL)", [item])
        yield opened


def ask(connection: duckdb.DuckDBPyConnection, **known: str | None) -> list[tuple[str, str]]:
    nothing = {"last_item": None, "category": None, "region": None, "country": None}
    return connection.execute(QUERY, {"shop": "s"} | nothing | known).fetchall()


def test_of_whom_nothing_is_known_gets_what_is_popular(connection: duckdb.DuckDBPyConnection) -> None:
    popular = [(item, "shop") for item in LISTS[5, "shop", ""]]
    assert ask(connection) == popular
    # so does who is in a place or looks at a category that has no list
    assert ask(connection, region="US / Nowhere", country="XX", category="帽") == popular


def test_a_session_comes_first_then_category_region_country_and_shop(connection: duckdb.DuckDBPyConnection) -> None:
    known = {"last_item": "shirt-s", "category": "鞋/靴", "region": "US / Georgia", "country": "US"}
    # the shirt that was looked at is shown in one other size, and in no other list again
    assert ask(connection, **known) == [
        ("shirt-l", "session"),
        ("sock", "session"),
        ("boot", "category"),
        ("sandal", "category"),
        ("peach", "region"),
        ("flag", "country"),
        ("best", "shop"),
        ("nameless", "shop"),
        ("other", "shop"),
    ]


def test_an_item_that_nothing_follows_falls_back_to_its_category(connection: duckdb.DuckDBPyConnection) -> None:
    found = ask(connection, last_item="boot", category="鞋/靴")
    assert [item for item, _ in found] == ["shirt-m", "sandal", "best", "nameless", "other"]
    assert {scope for _, scope in found} == {"category", "shop"}


def test_a_region_comes_before_its_country(connection: duckdb.DuckDBPyConnection) -> None:
    found = ask(connection, region="US / Georgia", country="US")
    assert found[:4] == [("peach", "region"), ("boot", "region"), ("flag", "country"), ("best", "shop")]
    assert ask(connection, region="US / Thin", country="US")[:2] == [("flag", "country"), ("best", "shop")]

"""Which recommenders there are, what each reads and writes, and what their pages show of the lists themselves."""

# No `from __future__ import annotations` here: Dagster reads the steps' annotations as objects.
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from ingestion.shops import Shop
from orchestration.assets.models import ModelStep
from orchestration.assets.tables import markdown_table

if TYPE_CHECKING:
    from ml.serving.capability import Capability
    from ml.serving.serve import Served

_PRODUCTS = dg.AssetKey(["marts", "dim_products"])
_CHOICES = (dg.AssetKey(["features", "feat_user_item_days"]), dg.AssetKey(["features", "feat_as_of_dates"]), _PRODUCTS)
_SESSIONS = (*_CHOICES, dg.AssetKey(["features", "feat_session_items"]))
_VISITS_AND_PLACES = (
    *_SESSIONS,
    dg.AssetKey(["intermediate", "int_visitor_days"]),
    dg.AssetKey(["marts", "fct_sessions"]),
)
_ORDERS = (*_CHOICES, dg.AssetKey(["marts", "fct_orders"]), dg.AssetKey(["marts", "fct_order_items"]))
_SHOWN_USERS, _SHOWN_PLACES, _SHOWN_LISTS, _SHOWN_ROWS = 5, 3, 8, 50

_MEMBERS = "SELECT model, count(*) AS n FROM rows WHERE rank = 1 GROUP BY model ORDER BY n DESC, model"
#: Of some users, evenly drawn from all in order, the first places.
_EXAMPLES = """
WITH drawn AS (
    SELECT user_id
    FROM (
        SELECT user_id, row_number() OVER (ORDER BY user_id) - 1 AS number, count(*) OVER () AS n
        FROM rows WHERE rank = 1
    )
    WHERE number % greatest(1, n // {users}) = 0
    ORDER BY user_id LIMIT {users}
)
SELECT rows.user_id, rows.rank, rows.item_id, rows.reason, rows.reason_zh
FROM rows INNER JOIN drawn USING (user_id)
WHERE rows.rank <= {places}
ORDER BY rows.user_id, rows.rank
"""


def _recommendations() -> "Capability":
    from ml.recommend.serving import Recommendations

    return Recommendations()


def _recommendations_for(shops: Sequence[Shop]) -> "Capability":
    from ml.recommend.serving import Recommendations

    return Recommendations(bought_once=_bought_once(shops))


def _next_items() -> "Capability":
    from ml.recommend.sessions.serving import SessionNextItems

    return SessionNextItems()


def _rules() -> "Capability":
    from ml.recommend.rules.serving import AssociationRules

    return AssociationRules()


def _buy_again() -> "Capability":
    from ml.recommend.again.serving import BuyAgain

    return BuyAgain()


def _buy_again_for(shops: Sequence[Shop]) -> "Capability":
    from ml.recommend.again.serving import BuyAgain

    return BuyAgain(bought_once=_bought_once(shops))


def _bought_once(shops: Sequence[Shop]) -> dict[str, tuple[str, ...]]:
    return {shop.shop_id: shop.bought_once for shop in shops}


def backtest_metadata(served: Sequence["Served"]) -> dict[str, Any]:
    """The first shop's back-test: a row per member, best first, as far as its evaluation has ranking figures."""
    for one in served:
        judged = one.evaluation
        # what today's visitors were judged by is none of the members' rows
        figures = judged[judged["metric"].isin(_BACKTEST) & ~judged["model"].str.startswith(_TODAY)]
        if figures.empty:
            continue
        table = figures.pivot_table(index="model", columns="metric", values="value", aggfunc="first")
        metrics = [name for name in _BACKTEST if name in table.columns]
        by = next(name for name in ("ndcg@10", "mrr@20") if name in metrics)
        table = table.sort_values(by, ascending=False, kind="stable")
        rows = [[model, *values] for model, values in zip(table.index, table[metrics].to_numpy().tolist(), strict=True)]
        return {"backtest": dg.MarkdownMetadataValue(markdown_table(["model", *metrics], rows))}
    return {}


def on_other_people(served: Sequence["Served"]) -> dict[str, Any]:
    """The first shop's figures of people that the back-test leaves out: strangers, by what is popular, and those who
    were there the day before a cut, by the list that follows their visit and by the one that does not."""
    columns = ["model", "metric", "value", "ci_low", "ci_high", "n"]
    for one in served:
        judged = one.evaluation
        strangers = judged["metric"] == "ndcg@10/stranger"
        visitors = judged["model"].str.startswith(_TODAY) & judged["metric"].isin(("ndcg@10", "ndcg@10_gain"))
        rows = [
            [people, *row]
            for people, some in (("strangers", strangers), ("there the day before", visitors))
            for row in judged.loc[some, columns].to_numpy(dtype=object).tolist()
        ]
        if rows:
            head = ["people", "model", "metric", "value", "low", "high", "n"]
            return {"other_people": dg.MarkdownMetadataValue(markdown_table(head, rows))}
    return {}


def unknown_categories(served: Sequence["Served"]) -> dict[str, Any]:
    """A warning where settings name categories as bought once that no product has: catalogues change, and a setting
    that says nothing any more should not go unnoticed."""
    rows = [
        [row["shop_id"], row["item_category"]]
        for one in served
        if "unknown_categories" in one.tables
        for row in one.tables["unknown_categories"].to_dict("records")
    ]
    if not rows:
        return {}
    table = markdown_table(["shop", "bought_once names a category that no product has"], rows[:_SHOWN_ROWS])
    return {"warning": dg.MarkdownMetadataValue(table)}


def list_examples(served: Sequence["Served"], names: dict[tuple[str, str], str]) -> dict[str, Any]:
    """Coverage, and a handful of the first shop's lists with the names of products (``names``: shop, item -> name)."""
    one = next((each for each in served if "recommendations" in each.tables), None)
    if one is None:
        return {}
    from ml.coded_rows import query_rows

    shop = one.status.shop_id
    run = one.tables["recommendation_runs"].to_dict("records")[0]
    lists = one.tables["recommendations"]
    members = [[row["model"], int(row["n"])] for row in query_rows(lists, _MEMBERS).to_dict("records")]
    shown = query_rows(lists, _EXAMPLES.format(users=_SHOWN_USERS, places=_SHOWN_PLACES))
    rows = [
        [
            row["user_id"],
            row["rank"],
            names.get((shop, row["item_id"]), row["item_id"]),
            row["reason"],
            row["reason_zh"],
        ]
        for row in shown.to_dict("records")
    ]
    head = ["user", "rank", "product", "why", "why, in Chinese"]
    return {
        "coverage": round(float(run["items_shown"]) / max(int(run["items_on_sale"]), 1), 4),
        "users": int(run["users"]),
        "users_scored_anew": int(run["users_scored_anew"]),
        "users_by_member": dg.MarkdownMetadataValue(markdown_table(["member at rank 1", "users"], members)),
        "examples": dg.MarkdownMetadataValue(markdown_table(head, rows)),
    }


def next_item_examples(served: Sequence["Served"], names: dict[tuple[str, str], str]) -> dict[str, Any]:
    """The first shop's next items with the most evidence, by names of products."""
    one = next((each for each in served if "session_next_items" in each.tables), None)
    if one is None:
        return {}
    found = one.tables["session_next_items"]
    best = found[found["rank"] == 1].sort_values("sessions", ascending=False, kind="stable").head(_SHOWN_LISTS)
    named = _namer(one.status.shop_id, names)
    rows = [[named(row["item_id"]), named(row["next_item_id"]), row["sessions"]] for row in best.to_dict("records")]
    return {"examples": dg.MarkdownMetadataValue(markdown_table(["after", "comes", "sessions"], rows))}


def rule_examples(served: Sequence["Served"], names: dict[tuple[str, str], str]) -> dict[str, Any]:
    """The first shop's rules that say the most, by names of products."""
    one = next((each for each in served if "association_rules" in each.tables), None)
    if one is None:
        return {}
    best = one.tables["association_rules"].sort_values("lift", ascending=False, kind="stable").head(_SHOWN_LISTS)
    named = _namer(one.status.shop_id, names)
    rows = [
        [
            " + ".join(named(item) for item in row["antecedent"]),
            named(row["consequent_item_id"]),
            row["baskets_both"],
            float(row["confidence"]),
            float(row["lift"]),
        ]
        for row in best.to_dict("records")
    ]
    head = ["who buys", "also buys", "orders", "confidence", "lift"]
    return {"examples": dg.MarkdownMetadataValue(markdown_table(head, rows))}


def again_examples(served: Sequence["Served"], names: dict[tuple[str, str], str]) -> dict[str, Any]:
    """How many users the first shop has lists for, and a handful of their first products, by name."""
    one = next((each for each in served if "buy_again" in each.tables), None)
    if one is None or one.tables["buy_again"].empty:
        return {}
    found = one.tables["buy_again"]
    firsts = found[found["rank"] == 1]
    named = _namer(one.status.shop_id, names)
    rows = [
        [row["user_id"], named(row["item_id"]), float(row["purchase_probability"]), row["reason"], row["reason_zh"]]
        for row in firsts.iloc[:: max(1, len(firsts) // _SHOWN_LISTS)].head(_SHOWN_LISTS).to_dict("records")
    ]
    head = ["user", "product", f"chance within {int(found['horizon_days'].iloc[0])} days", "why", "why, in Chinese"]
    return {"users": len(firsts), "examples": dg.MarkdownMetadataValue(markdown_table(head, rows))}


def _namer(shop: str, names: dict[tuple[str, str], str]) -> Callable[[str], str]:
    return lambda item: names.get((shop, item), item)


#: Begins what is judged by today's visitors alone.
_TODAY = "today_"
_BACKTEST = (
    "ndcg@10",
    "map@10",
    "precision@10",
    "recall@10",
    "recall@20",
    "coverage@10",
    "novelty@10",
    "diversity@10",
    "ndcg@10/newcomer",
    "ndcg@10/regular",
    "cpu_seconds",
    "hr@20",
    "mrr@20",
    "coverage@20",
    "seconds",
)

RECOMMENDATION_STEPS = (
    ModelStep(
        "recommendations",
        _recommendations,
        {
            "recommendations": "Up to 20 products for everyone of the last 90 days, with the reason for each.",
            "item_similarities": "Products like a product: looked at or bought by the same people, or described alike.",
            "newcomer_recommendations": "What to show who is not known yet: popular in its category, region or shop.",
            "recommendation_runs": "What the last run scored, and what the next needs to score only who did something.",
            "unknown_categories": "Categories that a shop's settings name as bought once, and that no product has.",
        },
        _VISITS_AND_PLACES,
        shows=(backtest_metadata, on_other_people, unknown_categories),
        examples=list_examples,
        load_for=_recommendations_for,
    ),
    ModelStep(
        "session_next_items",
        _next_items,
        {"session_next_items": "After looking at a product, which come next in the same session, with the evidence."},
        _SESSIONS,
        shows=(backtest_metadata,),
        examples=next_item_examples,
    ),
    ModelStep(
        "association_rules",
        _rules,
        {
            "association_rules": "Who has these products in the basket also buys that one, more than luck explains.",
            "cross_sell": "What is bought with a product in one order, up to 20 partners of each, with the evidence.",
        },
        _ORDERS,
        examples=rule_examples,
    ),
    ModelStep(
        "buy_again",
        _buy_again,
        {"buy_again": "Which of their own products everyone of the last 90 days will buy again, and how likely."},
        _CHOICES,
        shows=(backtest_metadata,),
        examples=again_examples,
        load_for=_buy_again_for,
    ),
)

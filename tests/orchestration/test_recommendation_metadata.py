"""What the pages of recommenders show: the back-test, coverage, and lists with the names of products."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pandas as pd

from ingestion.shops import Shop
from ml.evaluation.results import Measured, Subject, evaluation_frame
from ml.serving.serve import Served
from ml.serving.status import FRESH, ScoreStatus
from orchestration.assets.recommendation_models import (
    RECOMMENDATION_STEPS,
    again_examples,
    backtest_metadata,
    list_examples,
    next_item_examples,
    on_other_people,
    rule_examples,
    unknown_categories,
)

DAY = dt.date(2026, 3, 1)
NAMES = {("店", "a"): "红茶", ("店", "b"): "杯|子", ("other", "a"): "not this"}


def served(tables: dict[str, pd.DataFrame], figures: dict[tuple[str, str], float] | None = None) -> Served:
    rows = [
        Measured(Subject("recommendations", "店", DAY, model, 42, "v1"), metric, value, 100)
        for (model, metric), value in (figures or {}).items()
    ]
    status = ScoreStatus("店", "recommendations", DAY, DAY, FRESH, "it is the best", "v1")
    return Served(status, tables, evaluation=evaluation_frame(rows))


def text(value: object) -> str:
    assert isinstance(value, dg.MarkdownMetadataValue)
    return str(value.value)


def test_the_back_test_is_a_row_per_member_best_first() -> None:
    figures = {
        ("popular", "ndcg@10"): 0.1,
        ("ease", "ndcg@10"): 0.2,
        ("ease", "coverage@10"): 0.5,
        ("ease", "not shown"): 9.0,
    }
    lines = text(backtest_metadata([served({}), served({}, figures)])["backtest"]).splitlines()
    assert lines[0] == "| model | ndcg@10 | coverage@10 |"
    assert lines[2:] == ["| ease | 0.2 | 0.5 |", "| popular | 0.1 |  |"]
    assert backtest_metadata([served({})]) == {}


def test_people_that_the_back_test_leaves_out_have_a_table_of_their_own() -> None:
    figures = {
        ("ease", "ndcg@10"): 0.2,
        ("popular", "ndcg@10/stranger"): 0.3,
        ("today_blend", "ndcg@10"): 0.25,
        ("today_blend", "ndcg@10_gain"): 0.05,
        ("today_blend", "users_of_today"): 50.0,
    }
    one = served({}, figures)
    assert "today" not in text(backtest_metadata([one])["backtest"])
    assert text(on_other_people([one])["other_people"]).splitlines()[2:] == [
        "| strangers | popular | ndcg@10/stranger | 0.3 |  |  | 100 |",
        "| there the day before | today_blend | ndcg@10 | 0.25 |  |  | 100 |",
        "| there the day before | today_blend | ndcg@10_gain | 0.05 |  |  | 100 |",
    ]
    assert on_other_people([served({}, {("ease", "ndcg@10"): 0.2})]) == {}


def test_lists_are_shown_by_names_with_coverage() -> None:
    lists = pd.DataFrame(
        [
            ("u1", 1, "a", "why", "因为", "ease"),
            ("u1", 2, "b", "why", "因为", "ease"),
            ("u2", 1, "c", "x", "y", "popular"),
        ],
        columns=["user_id", "rank", "item_id", "reason", "reason_zh", "model"],
    )
    run = pd.DataFrame([{"items_shown": 3, "items_on_sale": 4, "users": 2, "users_scored_anew": 1}])
    shown = list_examples([served({"recommendations": lists, "recommendation_runs": run})], NAMES)
    assert (shown["coverage"], shown["users"], shown["users_scored_anew"]) == (0.75, 2, 1)
    examples = text(shown["examples"])
    assert "| u1 | 1 | 红茶 | why | 因为 |" in examples and "杯\\|子" in examples and "| u2 | 1 | c |" in examples
    assert "| ease | 1 |" in text(shown["users_by_member"])
    assert list_examples([served({})], NAMES) == {}


def test_pairs_are_shown_by_names_most_evidence_first() -> None:
    following = pd.DataFrame(
        [("a", 1, "b", 3), ("b", 1, "a", 7), ("a", 2, "c", 99)],
        columns=["item_id", "rank", "next_item_id", "sessions"],
    )
    lines = text(next_item_examples([served({"session_next_items": following})], NAMES)["examples"]).splitlines()
    assert lines[2:] == ["| 杯\\|子 | 红茶 | 7 |", "| 红茶 | 杯\\|子 | 3 |"]
    rules = pd.DataFrame(
        {
            "antecedent": [["a", "x"]],
            "consequent_item_id": ["b"],
            "baskets_both": [5],
            "confidence": [0.5],
            "lift": [2.0],
        }
    )
    assert "| 红茶 + x | 杯\\|子 | 5 | 0.5 | 2 |" in text(
        rule_examples([served({"association_rules": rules})], NAMES)["examples"]
    )
    assert next_item_examples([served({})], NAMES) == rule_examples([served({})], NAMES) == {}


def test_what_is_bought_again_is_shown_by_name_with_its_chance() -> None:
    lists = pd.DataFrame(
        [
            ("u1", 1, "a", 0.5, 30, "Bought 4 times, last 31 days ago", "买过4次，上次在31天前"),
            ("u1", 2, "b", 0.25, 30, "Bought once, 1 day ago", "1天前买过"),
            ("u2", 1, "x", 0.125, 30, "Bought once, 9 days ago", "9天前买过"),
        ],
        columns=["user_id", "rank", "item_id", "purchase_probability", "horizon_days", "reason", "reason_zh"],
    )
    shown = again_examples([served({}), served({"buy_again": lists})], NAMES)
    assert shown["users"] == 2
    lines = text(shown["examples"]).splitlines()
    assert lines[0] == "| user | product | chance within 30 days | why | why, in Chinese |"
    assert lines[2:] == [
        "| u1 | 红茶 | 0.5 | Bought 4 times, last 31 days ago | 买过4次，上次在31天前 |",
        "| u2 | x | 0.125 | Bought once, 9 days ago | 9天前买过 |",
    ]
    assert again_examples([served({"buy_again": lists.iloc[:0]})], NAMES) == {}


def test_pages_stay_small() -> None:
    users = [f"u{number:05d}" for number in range(3000)]
    lists = pd.DataFrame(
        {"user_id": users, "rank": 1, "item_id": "a", "reason": "why", "reason_zh": "因", "model": "ease"}
    )
    run = pd.DataFrame([{"items_shown": 1, "items_on_sale": 1, "users": 3000, "users_scored_anew": 3000}])
    shown = list_examples([served({"recommendations": lists, "recommendation_runs": run})], NAMES)
    assert len(text(shown["examples"]).splitlines()) == 2 + 5


def test_categories_that_no_product_has_are_a_warning() -> None:
    runs = [
        served({"unknown_categories": pd.DataFrame({"shop_id": shop, "item_category": names})})
        for shop, names in (("店", []), ("north", ["冰箱", "a|b"]))
    ]
    assert unknown_categories(runs[:1]) == unknown_categories([served({})]) == {}
    lines = text(unknown_categories(runs)["warning"]).splitlines()
    assert lines[2:] == ["| north | 冰箱 |", "| north | a\\|b |"]


def test_the_step_hands_on_what_each_shop_says_is_bought_once() -> None:
    step = next(one for one in RECOMMENDATION_STEPS if one.name == "recommendations")
    assert step.load_for is not None
    capability = step.load_for([Shop("north", bought_once=("冰箱",)), Shop("south")])
    assert capability.bought_once == {"north": ("冰箱",), "south": ()}


def test_each_step_declares_the_tables_that_its_capability_writes() -> None:
    for step in RECOMMENDATION_STEPS:
        capability = step.load()
        assert set(step.tables) == set(capability.tables) and step.name == capability.name

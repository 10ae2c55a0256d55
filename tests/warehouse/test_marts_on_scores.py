"""Marts on top of the models: empty before a model has run, then its scores, and which of them are not today's."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion.shops import Shop
from ml.churn.customer_churn import CHURN_COLUMNS
from ml.evaluation.results import EVALUATION_COLUMNS
from ml.propensity.customer_propensity import PROPENSITY_COLUMNS
from ml.propensity.session_intent import INTENT_COLUMNS
from ml.recommend.again.serving import BUY_AGAIN_COLUMNS
from ml.recommend.rules.serving import ASSOCIATION_COLUMNS, CROSS_SELL_COLUMNS
from ml.recommend.sessions.serving import NEXT_ITEM_COLUMNS
from ml.recommend.tables import NEWCOMER_COLUMNS, RECOMMENDATION_COLUMNS, SIMILARITY_COLUMNS
from ml.segments.customer_segments import CUSTOMER_COLUMNS
from ml.serving.status import STATUS_COLUMNS
from ml.value.customer_value import CUSTOMER_VALUE_COLUMNS
from orchestration.mart_specs import read_manifest
from tests.properties.warehouse import Warehouse
from tests.warehouse.planted_scores import GONE, after_models, plant_scores, plant_status

DAY = date(2026, 3, 10)
SHOPS = ("fresh", "refused")
SCORES = ("churn_scores", "purchase_propensity", "customer_value", "customer_segments")
CUSTOMERS = ("c1", "c2", "c3")


def _built(home: Path) -> Warehouse:
    """Two shops of three customers, c1 with an order; built as a run does before the models' steps."""
    warehouse = Warehouse(home)
    for shop in SHOPS:
        events: list[dict[str, object]] = [
            {
                "event_id": f"e-{customer}",
                "event_name": "view_item",
                "event_ts": f"{DAY}T10:00:00+08:00",
                "device_id": f"d-{customer}",
                "customer_id": customer,
                "item_id": "i1",
            }
            for customer in CUSTOMERS
        ]
        events.append(events[0] | {"event_id": "p", "event_name": "purchase", "order_id": "o1", "value": 20})
        warehouse.land_events(Shop(shop, "Asia/Shanghai", "CNY"), DAY, events)
    # marts of recommendations, which are built with those of scores, name their products
    warehouse.build(select=("+customer_360", "+dim_products"))
    return warehouse


@pytest.fixture(scope="module")
def unscored(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """No model has run yet."""
    warehouse = _built(tmp_path_factory.mktemp("unscored"))
    after_models(warehouse)
    return warehouse


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """All models have run; of one shop the churn scores were refused, and it keeps those of an earlier day."""
    warehouse = _built(tmp_path_factory.mktemp("scored"))
    file = warehouse.home / "warehouse.duckdb"
    plant_scores(file, DAY + timedelta(days=1))
    for capability in ("churn", "purchase_propensity", "customer_value"):
        plant_status(file, "fresh", capability, "fresh", "")
    plant_status(file, "refused", "churn", "stale", "orders drifted")
    after_models(warehouse)
    return warehouse


def test_marts_are_empty_before_a_model_has_run(unscored: Warehouse) -> None:
    for mart in SCORES:
        assert unscored.rows(f"from marts.{mart}") == []
    rows = unscored.rows(
        "select customer_id, standing_orders, churn_probability, segment_id, has_stale_scores, stale_reason "
        "from marts.customer_360 where shop_id = 'fresh' order by 1"
    )
    assert rows == [(c, int(c == "c1"), None, None, False, None) for c in CUSTOMERS]


def test_scores_are_those_that_the_models_wrote(scored: Warehouse) -> None:
    for mart in SCORES:
        written = scored.rows(f"select count(*) from ml.{mart} where customer_id <> '{GONE}'")
        assert scored.rows(f"select count(*) from marts.{mart}") == written != [(0,)]
        assert scored.rows(f"select 1 from marts.{mart} where customer_id = '{GONE}'") == []
    assert scored.rows(
        "select orders, r_score, segment_id, segment_name_zh, is_outlier, churn_probability, risk_band, "
        "churn_reason_2, churn_reason_3_zh, action_zh, purchase_probability_7d, purchase_probability_30d, "
        "purchase_reason_1, value_horizon_days, expected_value_minor, value_high_minor, has_stale_scores "
        "from marts.customer_360 where shop_id = 'fresh' and customer_id = 'c2'"
    ) == [
        (
            0,
            None,
            1,
            "订单少",
            None,
            0.5,
            "high",
            "reason 2",
            "原因 3",
            "联系",
            0.05,
            0.15,
            "reason 1",
            180,
            500,
            900,
            False,
        )
    ]


def test_scores_that_were_refused_are_marked_with_the_reason(scored: Warehouse) -> None:
    stale = "select distinct is_stale, stale_reason from marts.{} where shop_id = '{}'"
    assert scored.rows(stale.format("churn_scores", "refused")) == [(True, "orders drifted")]
    assert scored.rows(stale.format("churn_scores", "fresh")) == [(False, None)]
    assert scored.rows(stale.format("customer_value", "refused")) == [(False, None)]
    assert scored.rows(
        "select distinct shop_id, has_stale_scores, stale_reason from marts.customer_360 order by 1"
    ) == [
        ("fresh", False, None),
        ("refused", True, "churn: orders drifted"),
    ]


def test_scores_of_an_earlier_day_are_stale_though_nobody_says_so(scored: Warehouse, tmp_path: Path) -> None:
    """A run that died before the models leaves a status that is as old as the scores."""
    warehouse = _built(tmp_path / "died")
    plant_scores(warehouse.home / "warehouse.duckdb", DAY - timedelta(days=2))
    plant_status(warehouse.home / "warehouse.duckdb", "fresh", "churn", "fresh", "")
    after_models(warehouse)
    reason = "scored as of 2026-03-08, the data go on to 2026-03-10"
    for mart in SCORES:
        assert warehouse.rows(f"select distinct is_stale, stale_reason from marts.{mart}") == [(True, reason)]


#: Table of schema ``ml`` -> the columns that its model declares.
DECLARED = {
    "churn_scores": CHURN_COLUMNS,
    "purchase_propensity": PROPENSITY_COLUMNS,
    "customer_value": CUSTOMER_VALUE_COLUMNS,
    "customer_segments": CUSTOMER_COLUMNS,
    "session_intent": INTENT_COLUMNS,
    "score_status": STATUS_COLUMNS,
    "evaluation": EVALUATION_COLUMNS,
    "recommendations": RECOMMENDATION_COLUMNS,
    "item_similarities": SIMILARITY_COLUMNS,
    "newcomer_recommendations": NEWCOMER_COLUMNS,
    "session_next_items": NEXT_ITEM_COLUMNS,
    "association_rules": ASSOCIATION_COLUMNS,
    "cross_sell": CROSS_SELL_COLUMNS,
    "buy_again": BUY_AGAIN_COLUMNS,
}


@pytest.mark.parametrize("table", DECLARED)
def test_dbt_reads_the_columns_that_the_model_writes(table: str, dbt_manifest: Path) -> None:
    sources: dict[str, Any] = read_manifest()["sources"]
    described = sources[f"source.footfall.ml.{table}"]["columns"]
    assert set(described) == set(DECLARED[table])

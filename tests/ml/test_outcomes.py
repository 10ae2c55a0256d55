"""Scores held to what happened: kept once a week, measured once their horizon is over, settled after a while."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.serving.outcomes import (
    KEPT_DAYS,
    MEASURED_ROWS,
    SETTLED_AFTER_DAYS,
    Promise,
    keep_scores,
    measure_outcomes,
    measure_promise,
)

MONDAY = dt.date(2026, 3, 2)
CUSTOMERS = 40
CHURN = Promise(
    "churn",
    "SELECT shop_id, as_of, horizon_days, customer_id, score, model_version FROM ml.scores",
    "outcome.orders_placed = 0",
    measure_promise,
)


def days(number: int) -> dt.timedelta:
    return dt.timedelta(days=number)


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Customers c0 … c39 of each shop in ``orders``; what is known ends with ``feat_as_of_dates``."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE SCHEMA ml;
            CREATE SCHEMA features;
            CREATE TABLE ml.scores (
                shop_id VARCHAR, as_of DATE, horizon_days INTEGER, customer_id VARCHAR, score DOUBLE,
                model_version VARCHAR
            );
            CREATE TABLE features.feat_as_of_dates (shop_id VARCHAR, as_of DATE);
            CREATE TABLE features.orders (shop_id VARCHAR, customer_id VARCHAR, event_date DATE);
            CREATE MACRO features.customer_outcomes(cutoff, horizon) AS TABLE
                SELECT
                    known.shop_id, known.customer_id,
                    count(done.event_date) AS orders_placed,
                    any_value(CAST(cutoff AS DATE) + CAST(horizon AS INTEGER) <= newest.as_of) AS is_complete
                FROM (SELECT DISTINCT shop_id, customer_id FROM features.orders) AS known
                JOIN (SELECT shop_id, max(as_of) AS as_of FROM features.feat_as_of_dates GROUP BY shop_id) AS newest
                    ON newest.shop_id = known.shop_id
                LEFT JOIN features.orders AS done ON done.shop_id = known.shop_id
                    AND done.customer_id = known.customer_id AND done.event_date >= CAST(cutoff AS DATE)
                    AND done.event_date < CAST(cutoff AS DATE) + CAST(horizon AS INTEGER)
                GROUP BY ALL;
            """
        )
        yield connection


def score(
    warehouse: duckdb.DuckDBPyConnection,
    as_of: dt.date,
    *,
    shop_id: str = "shop",
    horizon: int = 30,
    version: str = "v1",
    value: float = 0.0,
) -> None:
    """Write and keep scores of one day, of ``shop_id`` in the place of its last ones; c0 gets the lowest."""
    warehouse.execute("DELETE FROM ml.scores WHERE shop_id = ?", [shop_id])
    warehouse.execute(
        f"INSERT INTO ml.scores SELECT ?, ?, ?, 'c' || i, ? + i / 100.0, ? FROM range({CUSTOMERS}) AS t(i)",
        [shop_id, as_of, horizon, value, version],
    )
    keep_scores(warehouse, CHURN)


def kept(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return warehouse.execute(
        "SELECT shop_id, as_of, horizon_days, model_version, count(*), min(score) FROM ml.score_history "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()


def know(warehouse: duckdb.DuckDBPyConnection, until: dt.date, shop_id: str = "shop", buyers: int = 20) -> None:
    """The shop's data reach to the day before ``until``; c0 … c19 order on the third day after ``MONDAY``."""
    warehouse.execute("DELETE FROM features.feat_as_of_dates WHERE shop_id = ?", [shop_id])
    warehouse.execute("DELETE FROM features.orders WHERE shop_id = ?", [shop_id])
    warehouse.execute("INSERT INTO features.feat_as_of_dates VALUES (?, ?)", [shop_id, until])
    warehouse.execute(
        f"INSERT INTO features.orders SELECT ?, 'c' || i, CASE WHEN i < ? THEN ?::DATE ELSE '2025-01-01'::DATE END "
        f"FROM range({CUSTOMERS}) AS t(i)",
        [shop_id, buyers, MONDAY + days(3)],
    )


def outcomes(warehouse: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], float]:
    rows = warehouse.execute("SELECT shop_id, model_version, metric, value FROM ml.outcomes").fetchall()
    return {(str(shop), str(version), str(metric)): value for shop, version, metric, value in rows}


def test_of_a_week_the_first_scored_day_is_kept(warehouse) -> None:
    for number in range(8):
        score(warehouse, MONDAY + days(number), version=f"v{number}")
    assert [row[1:4] for row in kept(warehouse)] == [(MONDAY, 30, "v0"), (MONDAY + days(7), 30, "v7")]


def test_the_same_day_again_replaces_its_rows(warehouse) -> None:
    score(warehouse, MONDAY + days(1))
    score(warehouse, MONDAY + days(1), version="v2", value=0.5)
    assert kept(warehouse) == [("shop", MONDAY + days(1), 30, "v2", CUSTOMERS, 0.5)]


def test_stale_scores_kept_again_change_nothing(warehouse) -> None:
    score(warehouse, MONDAY)
    before = warehouse.execute("SELECT * FROM ml.score_history ORDER BY ALL").fetchall()
    assert keep_scores(warehouse, CHURN) == CUSTOMERS
    assert warehouse.execute("SELECT * FROM ml.score_history ORDER BY ALL").fetchall() == before


def test_a_backfill_of_an_earlier_day_of_a_kept_week_adds_nothing_and_one_of_an_earlier_week_does(warehouse) -> None:
    score(warehouse, MONDAY + days(2))
    score(warehouse, MONDAY, version="later made")
    assert [row[1] for row in kept(warehouse)] == [MONDAY + days(2)]
    score(warehouse, MONDAY - days(7), version="later made")
    assert [row[1] for row in kept(warehouse)] == [MONDAY - days(7), MONDAY + days(2)]


def test_horizons_and_shops_and_capabilities_are_kept_by_themselves(warehouse) -> None:
    score(warehouse, MONDAY)
    score(warehouse, MONDAY + days(1), horizon=60)
    score(warehouse, MONDAY + days(2), shop_id="other")
    other = Promise("propensity", CHURN.scores, "outcome.orders_placed > 0", measure_promise)
    keep_scores(warehouse, other)
    found = warehouse.execute(
        "SELECT DISTINCT capability, shop_id, as_of, horizon_days FROM ml.score_history"
    ).fetchall()
    assert sorted(found) == [
        ("churn", "other", MONDAY + days(2), 30),
        ("churn", "shop", MONDAY, 30),
        ("churn", "shop", MONDAY + days(1), 60),
        ("propensity", "other", MONDAY + days(2), 30),
        ("propensity", "shop", MONDAY + days(1), 60),
    ]


def test_what_is_older_than_it_is_kept_for_goes_from_its_own_shop_only(warehouse) -> None:
    score(warehouse, MONDAY)
    score(warehouse, MONDAY, shop_id="silent")
    warehouse.execute("DELETE FROM ml.scores WHERE shop_id = 'silent'")
    score(warehouse, MONDAY + days(KEPT_DAYS))
    assert [row[:2] for row in kept(warehouse)] == [
        ("shop", MONDAY),
        ("shop", MONDAY + days(KEPT_DAYS)),
        ("silent", MONDAY),
    ]
    score(warehouse, MONDAY + days(KEPT_DAYS + 7))
    assert kept(warehouse)[0][:2] == ("shop", MONDAY + days(KEPT_DAYS))
    assert kept(warehouse)[-1][:2] == ("silent", MONDAY)


def known_people(warehouse: duckdb.DuckDBPyConnection, **people: list[str]) -> None:
    """The customers whom each shop knows, in the place of those it knew."""
    warehouse.execute("CREATE SCHEMA IF NOT EXISTS staging")
    shops = pd.DataFrame({"shop_id": list(people)}, dtype=object)
    rows = pd.DataFrame([(shop, one) for shop, names in people.items() for one in names], columns=["shop_id", "one"])
    warehouse.register("shops", shops)
    warehouse.register("people", rows.astype(object))
    warehouse.execute("CREATE OR REPLACE TABLE staging.stg_shops AS SELECT CAST(shop_id AS VARCHAR) shop_id FROM shops")
    warehouse.execute(
        "CREATE OR REPLACE TABLE features.feat_customer_days AS "
        "SELECT CAST(shop_id AS VARCHAR) AS shop_id, CAST(one AS VARCHAR) AS customer_id FROM people"
    )


def test_customers_who_were_erased_are_in_no_kept_score(warehouse) -> None:
    everyone = [f"c{number}" for number in range(CUSTOMERS)]
    for shop in ("shop", "other", "silent", "gone"):
        score(warehouse, MONDAY, shop_id=shop)
    # c3 was erased at one shop and is a customer of another; one shop's log is missing; one shop is no more
    known_people(warehouse, shop=[one for one in everyone if one != "c3"], other=everyone, silent=[])
    warehouse.execute("DELETE FROM ml.scores WHERE shop_id <> 'shop' OR customer_id = 'c3'")
    warehouse.execute("UPDATE ml.scores SET as_of = as_of + 7")
    for _ in range(2):
        keep_scores(warehouse, CHURN)
        assert [(*row[:2], row[4]) for row in kept(warehouse)] == [
            ("other", MONDAY, CUSTOMERS),
            ("shop", MONDAY, CUSTOMERS - 1),
            ("shop", MONDAY + days(7), CUSTOMERS - 1),
            ("silent", MONDAY, CUSTOMERS),
        ]
    erased = warehouse.execute("SELECT DISTINCT shop_id FROM ml.score_history WHERE customer_id = 'c3' ORDER BY 1")
    assert erased.fetchall() == [("other",), ("silent",)]


def test_nothing_is_measured_before_the_horizon_is_over(warehouse) -> None:
    score(warehouse, MONDAY)
    know(warehouse, MONDAY + days(29))
    assert measure_outcomes(warehouse, CHURN) == 0
    assert outcomes(warehouse) == {}
    know(warehouse, MONDAY + days(30))
    assert measure_outcomes(warehouse, CHURN) == 1
    assert outcomes(warehouse)["shop", "v1", "auc"] == 1.0


def test_figures_are_those_of_scores_and_of_what_happened(warehouse) -> None:
    score(warehouse, MONDAY)
    know(warehouse, MONDAY + days(30))
    measure_outcomes(warehouse, CHURN)
    found = outcomes(warehouse)
    scores = np.arange(CUSTOMERS) / 100
    happened = np.arange(CUSTOMERS) >= 20
    assert found["shop", "v1", "share_that_came_true"] == 0.5
    assert found["shop", "v1", "mean_score"] == pytest.approx(scores.mean())
    assert found["shop", "v1", "brier"] == pytest.approx(((scores - happened) ** 2).mean())
    counted = warehouse.execute("SELECT DISTINCT n FROM ml.outcomes").fetchall()
    assert counted == [(CUSTOMERS,)]


def test_late_data_change_an_outcome_until_it_is_settled(warehouse) -> None:
    score(warehouse, MONDAY)
    over = MONDAY + days(30)
    know(warehouse, over, buyers=20)
    measure_outcomes(warehouse, CHURN)
    know(warehouse, over + days(SETTLED_AFTER_DAYS), buyers=10)
    assert measure_outcomes(warehouse, CHURN) == 1
    assert outcomes(warehouse)["shop", "v1", "share_that_came_true"] == 0.75
    know(warehouse, over + days(SETTLED_AFTER_DAYS + 1), buyers=30)
    assert measure_outcomes(warehouse, CHURN) == 0
    assert outcomes(warehouse)["shop", "v1", "share_that_came_true"] == 0.75


def test_a_day_that_nobody_measured_in_time_is_measured_later(warehouse) -> None:
    score(warehouse, MONDAY)
    know(warehouse, MONDAY + days(200))
    assert measure_outcomes(warehouse, CHURN) == 1
    assert outcomes(warehouse)["shop", "v1", "auc"] == 1.0


def test_two_shops_are_measured_when_each_knows_and_a_settled_one_stays(warehouse) -> None:
    score(warehouse, MONDAY)
    score(warehouse, MONDAY, shop_id="other", version="w1")
    over = MONDAY + days(30)
    know(warehouse, over)
    know(warehouse, over - days(1), "other")
    measure_outcomes(warehouse, CHURN)
    assert {shop for shop, _, _ in outcomes(warehouse)} == {"shop"}
    # the other shop's day is over later than this one's is settled: what is settled is measured no more
    know(warehouse, over + days(SETTLED_AFTER_DAYS + 1), buyers=40)
    know(warehouse, over, "other", buyers=30)
    assert measure_outcomes(warehouse, CHURN) == 1
    found = outcomes(warehouse)
    assert found["shop", "v1", "share_that_came_true"] == 0.5
    assert found["other", "w1", "share_that_came_true"] == 0.25


def test_one_outcome_for_everybody_has_no_auc_and_is_measured_all_the_same(warehouse) -> None:
    score(warehouse, MONDAY)
    know(warehouse, MONDAY + days(30), buyers=0)
    assert measure_outcomes(warehouse, CHURN) == 1
    found = outcomes(warehouse)
    assert found["shop", "v1", "auc"] is None
    assert found["shop", "v1", "share_that_came_true"] == 1.0


def test_a_shop_whose_customers_are_gone_has_no_outcome(warehouse) -> None:
    score(warehouse, MONDAY)
    know(warehouse, MONDAY + days(30))
    warehouse.execute("DELETE FROM features.orders")
    measure_outcomes(warehouse, CHURN)
    assert outcomes(warehouse) == {}


def test_a_large_shop_is_measured_on_a_sample_that_is_the_same_again() -> None:
    generator = np.random.default_rng(7)
    scores = pd.Series(generator.random(MEASURED_ROWS + 5_000))
    happened = pd.Series((generator.random(len(scores)) < scores).astype(float))
    figures = measure_promise(happened, scores)
    assert figures == measure_promise(happened, scores)
    assert figures["brier"] is not None and figures["brier"].n == MEASURED_ROWS
    assert figures["mean_score"] is not None and figures["mean_score"].n == len(scores)
    assert figures["brier"].value == pytest.approx(((scores - happened) ** 2).mean(), abs=0.01)

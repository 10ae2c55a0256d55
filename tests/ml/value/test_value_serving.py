"""Customer value as the orchestrator serves it: learned once, kept, scored, and answered where data are too few."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator

import duckdb
import pandas as pd
import pytest

from ml.registry.store import ModelStore
from ml.serving.serve import Served, serve
from ml.serving.status import FRESH, NOT_ENOUGH_DATA
from ml.serving.write import write_served
from ml.value.compare import CANDIDATES
from ml.value.customer_value import CUSTOMER_VALUE_COLUMNS
from ml.value.cuts import ORDERS, VALUE
from ml.value.serving import CustomerValue
from tests.ml.value.made_up_shop import AS_OF, made_up_days, warehouse_of

CAPABILITY = CustomerValue()


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A shop with a history, and one of three customers."""
    days = made_up_days()
    few = days[days["customer_id"].isin(days["customer_id"].unique()[:3])].assign(shop_id="few")
    with warehouse_of(pd.concat([days, few])) as connection:
        yield connection


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def served(warehouse: duckdb.DuckDBPyConnection, store: ModelStore) -> list[Served]:
    return [serve(CAPABILITY, store, warehouse, shop) for shop in ("few", "shop")]


def test_a_shop_of_three_says_what_is_missing_and_the_other_is_scored(served: list[Served], warehouse) -> None:
    few, whole = (one.status for one in served)
    assert (few.status, few.served_as_of) == (NOT_ENOUGH_DATA, None)
    assert "customers who had bought before" in few.reason
    assert (whole.status, whole.served_as_of) == (FRESH, AS_OF)
    rows = write_served(warehouse, CAPABILITY, served)
    assert rows["customer_value"] == len(served[1].tables["customer_value"]) > 100
    found = warehouse.execute("SELECT DISTINCT shop_id, currency, horizon_days FROM ml.customer_value").fetchall()
    assert found == [("shop", "EUR", 90)]
    assert warehouse.execute("SELECT DISTINCT shop_id FROM ml.value_tracking").fetchall() == [("shop",)]


def test_the_registry_says_how_good_the_chosen_models_are(served: list[Served], store: ModelStore) -> None:
    record = served[1].record
    assert record is not None and record.version == served[1].status.model_version
    assert {"orders_tweedie_deviance", "spend_tweedie_deviance", "spend_spearman"} <= set(record.metrics)
    assert set(record.metrics["winners"]) == {ORDERS, VALUE}
    for value, low, high in (figure for name, figure in record.metrics.items() if name != "winners"):
        assert low <= value <= high
    assert set(served[1].tables["customer_value"]["model_version"]) == {record.version}
    assert list(served[1].tables["customer_value"]) == list(CUSTOMER_VALUE_COLUMNS)


def test_a_second_run_learns_nothing_and_scores_the_same(served: list[Served], store: ModelStore, warehouse) -> None:
    again = serve(CAPABILITY, store, warehouse, "shop")
    assert again.notes == ()
    assert len(store.records(CAPABILITY.name, "shop")) == 1
    for table in CAPABILITY.tables:
        pd.testing.assert_frame_equal(again.tables[table], served[1].tables[table], check_exact=True)


def test_what_serves_stays_until_something_beats_it(served: list[Served], warehouse) -> None:
    """The two naive ones alone, of which the better one serves: the other, told to serve, yields to it."""
    capability = CustomerValue((90,), CANDIDATES[:2])
    data = capability.read(warehouse, "shop")
    made = capability.train(data, None, 42)
    winners = made.record.metrics["winners"]
    assert winners == {ORDERS: "baseline_own_rate", VALUE: "baseline_own_rate"}
    again = capability.train(data, made.record, 42)
    assert again.record.metrics["winners"] == winners
    assert "baseline_own_rate stays" in again.record.reason
    other = dataclasses.replace(made.record, metrics={"winners": dict.fromkeys(winners, "baseline_mean")})
    assert "baseline_own_rate beats baseline_mean" in capability.train(data, other, 42).record.reason


def test_the_tracking_plot_is_kept_with_the_model(served: list[Served], store: ModelStore) -> None:
    assert served[1].record is not None
    plots = store.plots(served[1].record)
    assert list(plots) == ["customer value, tracking"]
    assert plots["customer value, tracking"].startswith(b"\x89PNG")


def test_customers_who_no_longer_look_like_those_learned_from_are_not_scored(
    served: list[Served], store: ModelStore
) -> None:
    record = served[1].record
    assert record is not None
    later = made_up_days().assign(
        gross_minor=lambda frame: frame["gross_minor"] * 50, orders_placed=lambda frame: frame["orders_placed"] * 40
    )
    with warehouse_of(later) as connection:
        data = CAPABILITY.read(connection, "shop")
        drifted = {one.feature: one.level for one in CAPABILITY.drift(store.load(record), data)}
    assert drifted["net_revenue_minor"] == "severe"
    assert data.as_of == AS_OF and isinstance(data.as_of, dt.date)

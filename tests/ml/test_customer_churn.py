"""Churn and propensity of a planted shop: trained, scored, explained; degenerate shops end in words."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.churn import customer_churn
from ml.churn import horizon as shop_rhythm
from ml.churn.actions import ACTIONS, HIGH, LOW, MEDIUM, MIDDLE, SMALL, TOP, bands, risk_band, value_tier
from ml.churn.customer_churn import CHURN_COLUMNS, Churn
from ml.evaluation.classification import compare_probabilities, measure_probabilities
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.results import evaluation_frame
from ml.learners.candidates import Candidate
from ml.outcomes.candidates import purchase_candidates
from ml.outcomes.history import read_origin
from ml.outcomes.train import Task
from ml.propensity.customer_propensity import PROPENSITY_COLUMNS, CustomerPropensity
from ml.registry.record import CHAMPION, REJECTED
from ml.registry.store import ModelStore
from ml.serving.capability import ShopData
from ml.serving.serve import serve
from ml.serving.write import write_served
from tests.ml.planted_shop import FIRST, planted_days, planted_warehouse

CUT = FIRST + dt.timedelta(days=330)
QUICK = ("base_rate", "recency_alone", "bought_in_last_30_days", "rfm_logit", "bg_nbd", "logit")


def quick(horizon_days: int, *, happens_on_order: bool) -> tuple[Candidate, ...]:
    """The candidates that take no time."""
    every = purchase_candidates(horizon_days, happens_on_order=happens_on_order)
    return tuple(one for one in every if one.name in QUICK)


class QuickChurn(Churn):
    def task(self, horizon_days: int) -> Task:
        whole = super().task(horizon_days)
        return Task(whole.capability, horizon_days, quick(horizon_days, happens_on_order=False), whole.yardstick, 1)


class QuickPropensity(CustomerPropensity):
    def task(self, horizon_days: int) -> Task:
        whole = super().task(horizon_days)
        return Task(whole.capability, horizon_days, quick(horizon_days, happens_on_order=True), whole.yardstick, 1)


@pytest.fixture(scope="module")
def days() -> pd.DataFrame:
    return planted_days()


@pytest.fixture(scope="module")
def warehouse(days: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    return planted_warehouse(days)


@pytest.fixture(scope="module")
def trained(warehouse: duckdb.DuckDBPyConnection) -> tuple:
    churn = QuickChurn(60, known_until=CUT)
    data = churn.read(warehouse, "店")
    return churn, data, churn.train(data, None, 42)


def test_churn_is_told_for_a_future_it_never_saw(trained: tuple, warehouse: duckdb.DuckDBPyConnection) -> None:
    churn, data, made = trained
    scores = churn.score(made.model, made.record, data)["churn_scores"]
    later = read_origin(warehouse, "店", CUT, 60, happens_on_order=False)
    assert list(later.frame["customer_id"]) == list(scores["customer_id"])
    p = scores["churn_probability"].to_numpy()
    found = measure_probabilities(later.y, p)
    assert found["auc"].low > 0.70
    recency = data.features["days_since_last_order"].rank(pct=True).to_numpy()
    assert compare_probabilities(later.y, p, recency, "auc").low > -0.03
    assert abs(p.mean() - later.y.mean()) < 0.10
    # a band keeps its word: more of the high ones stay away than of the low ones
    stayed = pd.Series(later.y).groupby(scores["risk_band"]).mean()
    assert stayed[HIGH] > stayed[MEDIUM] > stayed[LOW]


def test_scores_have_their_columns_reasons_in_words_and_an_action(trained: tuple) -> None:
    churn, data, made = trained
    scores = churn.score(made.model, made.record, data)["churn_scores"]
    assert list(scores.columns) == list(CHURN_COLUMNS)
    assert len(scores) == len(data.features)
    assert scores["customer_id"].is_unique
    assert scores[["churn_probability", "risk_band", "action", "action_zh", "model_version"]].notna().all().all()
    high = scores[scores["risk_band"] == HIGH]
    assert high["reason_1"].notna().mean() > 0.95
    assert high["reason_1"].str.contains("last order|last visit|visits in the last").mean() > 0.8
    assert (scores["reason_1"].isna() == scores["reason_1_zh"].isna()).all()
    assert not scores["reason_2"][scores["reason_1"].isna()].notna().any()
    assert churn.fault({"churn_scores": scores}, made.record) is None
    same = scores.assign(churn_probability=0.4)
    assert "the same score to all" in churn.fault({"churn_scores": same}, made.record)
    assert "no probabilities" in churn.fault({"churn_scores": same.assign(churn_probability=np.nan)}, made.record)


def test_every_candidate_and_baseline_is_measured_with_intervals(trained: tuple) -> None:
    _, _, made = trained
    table = evaluation_frame(made.measured)
    auc = table[table["metric"] == "auc"].set_index("model")
    assert {"base_rate", "recency_alone", "rfm_logit", "bg_nbd", "logit"} <= set(auc.index)
    assert auc.loc["base_rate", "value"] == pytest.approx(0.5, abs=0.05)
    assert (auc["ci_low"].dropna() <= auc["value"].dropna()).all()
    assert auc.index.str.startswith("selection_rfe").any()
    assert auc.index.str.startswith("selection_l1").any()
    assert table.query("model == 'horizon'")["value"].item() == 60
    assert set(table.query("metric.str.startswith('share_in_band')", engine="python")["metric"]) == {
        "share_in_band_high", "share_in_band_medium", "share_in_band_low",
    }  # fmt: skip
    assert made.record.status == CHAMPION
    assert made.record.data_until <= CUT
    assert len(made.plots) == 3
    assert all(image.startswith(b"\x89PNG") for image in made.plots.values())


def test_what_comes_after_the_cut_changes_no_score(days: pd.DataFrame, trained: tuple) -> None:
    churn, data, made = trained
    late = days["event_date"] >= pd.Timestamp(CUT)
    shuffled = days.copy()
    shuffled.loc[late, "customer_id"] = np.random.default_rng(1).permutation(days.loc[late, "customer_id"])
    other = planted_warehouse(shuffled.drop_duplicates(["customer_id", "event_date"]))
    again = churn.read(other, "店")
    pd.testing.assert_frame_equal(again.features, data.features)
    retrained = churn.train(again, None, 42)
    assert retrained.record == made.record
    pd.testing.assert_frame_equal(
        churn.score(retrained.model, retrained.record, again)["churn_scores"],
        churn.score(made.model, made.record, data)["churn_scores"],
        rtol=0,
        atol=1e-9,
    )


def test_a_leak_is_refused(trained: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    churn, data, _ = trained
    leaky = [
        type(origin)(origin.as_of, origin.frame.assign(orders_next=1 - origin.y), origin.y)
        for origin in data.history.origins()
    ]
    history = customer_churn.ChurnHistory(60, "set by hand", lambda: leaky)
    made = churn.train(ShopData("店", data.as_of, data.features.assign(orders_next=0.0), history), None, 42)
    assert made.record.status == REJECTED
    assert "orders_next alone has an AUC of 1.000" in made.record.reason


def test_propensity_of_both_horizons(warehouse: duckdb.DuckDBPyConnection) -> None:
    propensity = QuickPropensity(known_until=CUT)
    data = propensity.read(warehouse, "店")
    made = propensity.train(data, None, 42)
    rows = propensity.score(made.model, made.record, data)["purchase_propensity"]
    assert list(rows.columns) == list(PROPENSITY_COLUMNS)
    assert not rows.duplicated(["customer_id", "horizon_days"]).any()
    wide = rows.pivot_table(index="customer_id", columns="horizon_days", values="purchase_probability")
    assert list(wide.columns) == [7, 30]
    assert wide[30].mean() > wide[7].mean()
    for horizon in (7, 30):
        later = read_origin(warehouse, "店", CUT, horizon, happens_on_order=True)
        figure = measure_probabilities(later.y, wide[horizon].to_numpy())["auc"]
        assert figure.low > 0.6
    models = set(evaluation_frame(made.measured)["model"])
    assert {"bought_in_last_30_days_7d", "base_rate_30d", "recency_alone_30d"} <= models
    # the winners stand as champions in the next contest
    again = propensity.train(data, made.record, 42)
    assert again.record.metrics["winners"] == made.record.metrics["winners"]
    assert "stays" in again.record.reason
    assert propensity.drift(made.model, data)
    assert propensity.fault({"purchase_propensity": rows}, made.record) is None


def test_both_serve_through_the_store_and_the_warehouse(
    warehouse: duckdb.DuckDBPyConnection, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(tmp_path)
    for capability in (QuickChurn(60), QuickPropensity()):
        served = serve(capability, store, warehouse, "店")
        assert served.status.status == "fresh", served.status.reason
        counts = write_served(warehouse, capability, [served])
        assert all(counts.values())
        # nothing is due: the saved model says the same again
        again = serve(capability, store, warehouse, "店")
        assert again.notes == ()
        for table, rows in served.tables.items():
            pd.testing.assert_frame_equal(again.tables[table], rows, rtol=0, atol=1e-9)


def test_the_horizon_that_serves_stays_where_the_shop_is_near_the_limit(
    warehouse: duckdb.DuckDBPyConnection, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(tmp_path)
    first = serve(QuickChurn(), store, warehouse, "店")
    assert first.record is not None
    days = first.record.parameters["horizon_days"]
    # the limit moves a hundredth above the share that comes back in time: a shop that starts anew looks further
    gaps = warehouse.execute(shop_rhythm._GAPS, ["店", first.record.trained_as_of, first.record.trained_as_of]).df()
    share = np.divide(*shop_rhythm.returned_within(gaps, [days, 365]))
    monkeypatch.setattr(shop_rhythm, "RETURNED", share + 0.01)
    assert QuickChurn().read(warehouse, "店").history.horizon_days > days
    kept = serve(QuickChurn(), store, warehouse, "店")
    assert kept.notes == ()
    assert set(kept.tables["churn_scores"]["horizon_days"]) == {days}
    monkeypatch.setattr(shop_rhythm, "RETURNED", share + 0.04)
    changed = serve(QuickChurn(), store, warehouse, "店")
    assert "the parameters have changed" in changed.notes[0]
    # by hand is by hand
    assert QuickChurn(45).keeping({"horizon_days": days}).read(warehouse, "店").history.horizon_days == 45
    assert len(store.records("churn", "店")) == 2


def nobody(days: pd.DataFrame) -> pd.DataFrame:
    return days.assign(orders_placed=0)


def one_customer(days: pd.DataFrame) -> pd.DataFrame:
    return days[days["customer_id"] == days["customer_id"].iloc[0]]


def one_day(days: pd.DataFrame) -> pd.DataFrame:
    return days.drop_duplicates("customer_id").assign(event_date=pd.Timestamp(FIRST))


def all_churned(days: pd.DataFrame) -> pd.DataFrame:
    last = days.head(1).assign(customer_id="last", event_date=pd.Timestamp(FIRST + dt.timedelta(days=500)))
    return pd.concat([days.drop_duplicates("customer_id").assign(event_date=pd.Timestamp(FIRST)), last])


def none_churned(days: pd.DataFrame) -> pd.DataFrame:
    every = pd.DataFrame({"event_date": pd.date_range(FIRST, periods=300, freq="5D")[:80], "shop_id": "店"})
    buyers = pd.DataFrame({"customer_id": [f"買{number}" for number in range(60)]})
    return every.merge(buyers, how="cross").assign(sessions=1, cart_adds=0, orders_placed=1, net_revenue_minor=500)


@pytest.mark.parametrize("horizon", [None, 60])
@pytest.mark.parametrize("shop", [nobody, one_customer, one_day, all_churned, none_churned])
def test_a_degenerate_shop_gets_words_and_no_scores(days: pd.DataFrame, shop, horizon: int | None, tmp_path) -> None:
    warehouse = planted_warehouse(shop(days))
    for capability in (QuickChurn(horizon), QuickPropensity()):
        served = serve(capability, ModelStore(tmp_path), warehouse, "店")
        assert served.status.status == "not_enough_data"
        assert served.status.reason.startswith("Not enough data: ")
        assert "needed" in served.status.reason
        assert served.tables == {}


def test_an_unknown_shop_and_an_empty_warehouse_get_words() -> None:
    for warehouse in (planted_warehouse(planted_days(customers=5)), planted_warehouse(pd.DataFrame())):
        with pytest.raises(NotEnoughData):
            QuickChurn().read(warehouse, "nowhere")


def test_missing_values_and_constants_end_in_scores(trained: tuple) -> None:
    churn, data, _ = trained
    generator = np.random.default_rng(2)

    def holed(frame: pd.DataFrame) -> pd.DataFrame:
        columns = frame.columns.difference(["shop_id", "as_of", "customer_id"])
        return frame.assign(
            **{name: frame[name].astype(float).mask(generator.random(len(frame)) < 0.05) for name in columns}, same=1.0
        )

    origins = [type(one)(one.as_of, holed(one.frame), one.y) for one in data.history.origins()]
    history = customer_churn.ChurnHistory(60, "set by hand", lambda: origins)
    gappy = ShopData("店", data.as_of, holed(data.features), history)
    made = churn.train(gappy, None, 42)
    scores = churn.score(made.model, made.record, gappy)["churn_scores"]
    assert scores["churn_probability"].between(0, 1).all()
    assert not scores["reason_1"].dropna().str.contains("nan").any()
    assert "same" not in made.record.features
    constant = [type(one)(one.as_of, one.frame[["customer_id", "as_of"]].assign(x=1.0), one.y) for one in origins]
    flat = ShopData("店", data.as_of, data.features, customer_churn.ChurnHistory(60, "", lambda: constant))
    with pytest.raises(NotEnoughData, match="differ in anything"):
        churn.train(flat, None, 42)


def test_bands_are_twice_and_half_the_shops_odds() -> None:
    limits = bands(0.6)
    assert limits.high_from / (1 - limits.high_from) == pytest.approx(2 * 1.5)
    assert limits.low_until / (1 - limits.low_until) == pytest.approx(1.5 / 2)
    assert list(risk_band(np.array([0.1, 0.6, 0.9]), limits)) == [LOW, MEDIUM, HIGH]
    tiers = value_tier(pd.Series([1.0, 2, 3, 4, 5, 6, 0, -4, None]))
    assert list(tiers) == [SMALL, SMALL, MIDDLE, MIDDLE, TOP, TOP, SMALL, SMALL, SMALL]
    assert set(ACTIONS) == {(band, tier) for band in (HIGH, MEDIUM, LOW) for tier in (TOP, MIDDLE, SMALL)}

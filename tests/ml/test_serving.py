"""Learning when due, refusing what must not be served, and never losing what was: with a capability of three lines."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.evaluation.drift import Drift, drift, profile
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.results import Measured, Subject
from ml.registry.record import CHAMPION, REJECTED, ModelRecord
from ml.registry.store import ModelStore
from ml.serving.capability import ShopData, Trained
from ml.serving.serve import LASTING_DRIFT_DAYS, RETRAIN_AFTER_DAYS, Served, serve
from ml.serving.status import FRESH, NOT_ENOUGH_DATA, STALE
from ml.serving.write import write_served

DAY = dt.date(2026, 3, 1)


@dataclasses.dataclass
class Doubling:
    """Scores a customer with twice the number of visits; "learns" the mean."""

    as_of: dt.date = DAY
    visits: Sequence[float] = tuple(range(200))
    customers_needed: int = 10
    fault_words: str | None = None
    feature: str = "visits"
    trained: int = 0
    wins: bool = True
    code_version: int = 1
    horizon: int = 30
    name: str = "doubling"
    tables: Mapping[str, Mapping[str, str]] = dataclasses.field(
        default_factory=lambda: {
            "doubled": {"shop_id": "VARCHAR", "customer_id": "VARCHAR", "score": "DOUBLE", "model_version": "VARCHAR"}
        }
    )

    def read(self, connection: duckdb.DuckDBPyConnection, shop_id: str) -> ShopData:
        if len(self.visits) < self.customers_needed:
            raise NotEnoughData("customers", f"{self.customers_needed}", f"{len(self.visits)}")
        features = pd.DataFrame({"customer_id": [f"c{n}" for n in range(len(self.visits))], self.feature: self.visits})
        return ShopData(shop_id, self.as_of, features, None)

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        return {"horizon_days": self.horizon}

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        self.trained += 1
        record = ModelRecord(
            capability=self.name,
            shop_id=data.shop_id,
            model="mean",
            trained_as_of=data.as_of,
            data_from=data.as_of,
            data_until=data.as_of,
            training_rows=len(data.features),
            features=("visits",),
            code_version=self.code_version,
            seed=random_state,
            data_digest=str(float(data.features["visits"].mean())),
            status=CHAMPION if self.wins else REJECTED,
            reason="it is the only one" if self.wins else "it lost",
            parameters=self.parameters(data),
        )
        subject = Subject(self.name, data.shop_id, data.as_of, "mean", random_state, record.version)
        return Trained(
            record, profile(data.features["visits"]), [Measured(subject, "auc", 0.75, 200)], {"a plot": b"x"}
        )

    def drift(self, model: object, data: ShopData) -> Sequence[Drift]:
        return [drift(model, data.features["visits"])]  # type: ignore[arg-type]

    def score(self, model: object, record: ModelRecord, data: ShopData) -> Mapping[str, pd.DataFrame]:
        frame = data.features[["customer_id"]].assign(
            shop_id=data.shop_id, score=data.features["visits"] * 2.0, model_version=record.version
        )
        return {"doubled": frame[list(self.tables["doubled"])]}

    def fault(self, scored: Mapping[str, pd.DataFrame], record: ModelRecord) -> str | None:
        return self.fault_words


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


def run(capability: Doubling, store: ModelStore, connection: duckdb.DuckDBPyConnection, **options: bool) -> Served:
    served = serve(capability, store, connection, "shop", **options)
    write_served(connection, capability, [served])
    return served


def statuses(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT served_as_of, status FROM ml.score_status").fetchall()


def test_the_first_run_learns_and_serves(store, connection):
    capability = Doubling()
    served = run(capability, store, connection)
    assert capability.trained == 1
    assert statuses(connection) == [(DAY, FRESH)]
    assert connection.execute("SELECT count(*), max(score) FROM ml.doubled").fetchall() == [(200, 398.0)]
    assert served.plots == {"a plot": b"x"}
    assert connection.execute("SELECT as_of, metric, value FROM ml.evaluation").fetchall() == [(DAY, "auc", 0.75)]


def test_a_second_run_learns_nothing_and_a_new_warehouse_shows_the_same(store, connection):
    capability = Doubling()
    run(capability, store, connection)
    before = connection.execute("SELECT * FROM ml.evaluation").fetchall()
    run(capability, store, connection)
    assert capability.trained == 1
    with duckdb.connect() as anew:
        served = run(capability, store, anew)
        assert anew.execute("SELECT * FROM ml.evaluation").fetchall() == before
        assert served.plots == {"a plot": b"x"}
    assert capability.trained == 1


@pytest.mark.parametrize(
    "change",
    [
        {"as_of": DAY + dt.timedelta(days=RETRAIN_AFTER_DAYS)},
        {"code_version": 2},
        {"horizon": 60},
    ],
    ids=["too old", "other code", "other parameters"],
)
def test_what_makes_a_training_due(store, connection, change):
    capability = Doubling()
    run(capability, store, connection)
    for name, value in change.items():
        setattr(capability, name, value)
    run(capability, store, connection)
    assert capability.trained == 2
    assert statuses(connection) == [(capability.as_of, FRESH)]


def test_drift_keeps_scores_back_and_is_learned_from_once_it_has_lasted(store, connection):
    capability = Doubling()
    run(capability, store, connection)
    capability.visits = tuple(range(1000, 1200))
    for day in range(1, LASTING_DRIFT_DAYS):
        capability.as_of = DAY + dt.timedelta(days=day)
        served = run(capability, store, connection)
        assert "drifted" in served.status.reason
        assert statuses(connection) == [(DAY, STALE)]
    assert capability.trained == 1
    capability.as_of = DAY + dt.timedelta(days=LASTING_DRIFT_DAYS)
    run(capability, store, connection)
    assert capability.trained == 2
    assert statuses(connection) == [(capability.as_of, FRESH)]


def test_when_days_ahead_are_taken_back_a_model_is_learned_once_and_serves(store, connection):
    # an order dated a year ahead, and three days on it is gone
    capability = Doubling(as_of=DAY + dt.timedelta(days=365))
    run(capability, store, connection)
    capability.as_of = DAY
    served = run(capability, store, connection)
    assert capability.trained == 2
    assert "of 2027-03-01, which the data no longer reach" in served.notes[0]
    assert served.record is not None and served.record.trained_as_of == DAY
    assert set(served.evaluation["as_of"]) == {DAY}
    assert statuses(connection) == [(DAY, FRESH)]
    capability.as_of = DAY + dt.timedelta(days=1)
    assert run(capability, store, connection).notes == ()
    # and it ages by its own day
    capability.as_of = DAY + dt.timedelta(days=RETRAIN_AFTER_DAYS)
    assert "30 days old" in run(capability, store, connection).notes[0]


def test_a_training_that_is_refused_after_days_were_taken_back_is_not_tried_again_every_day(store, connection):
    capability = Doubling(as_of=DAY + dt.timedelta(days=365))
    run(capability, store, connection)
    capability.as_of, capability.wins = DAY, False
    run(capability, store, connection)
    capability.as_of = DAY + dt.timedelta(days=1)
    run(capability, store, connection)
    assert capability.trained == 2


def test_drift_from_scores_of_a_day_ahead_is_learned_from_at_once(store, connection):
    capability = Doubling()
    run(capability, store, connection)
    capability.as_of = DAY + dt.timedelta(days=20)
    run(capability, store, connection)
    # the newest days are taken back, and what is left looks like no day before
    capability.as_of, capability.visits = DAY + dt.timedelta(days=10), tuple(range(1000, 1200))
    served = run(capability, store, connection)
    assert capability.trained == 2
    assert "after which there are no data, and 1 of 1 features have drifted" in served.notes[0]
    assert statuses(connection) == [(capability.as_of, FRESH)]


def test_a_capability_may_keep_the_parameters_of_the_model_that_serves(store, connection):
    class Keeping(Doubling):
        def keeping(self, parameters: Mapping[str, object]) -> Doubling:
            return dataclasses.replace(self, horizon=parameters["horizon_days"])

    capability = Keeping()
    run(capability, store, connection)
    capability.horizon = 60
    assert run(capability, store, connection).notes == ()
    assert capability.horizon == 60


def test_a_log_that_was_mended_is_scored_by_the_model_of_before(store, connection):
    capability = Doubling()
    run(capability, store, connection)
    capability.as_of, capability.visits = DAY + dt.timedelta(days=1), tuple(range(1000, 1200))
    run(capability, store, connection)
    capability.as_of, capability.visits = DAY + dt.timedelta(days=2), tuple(range(200))
    run(capability, store, connection)
    assert capability.trained == 1
    assert statuses(connection) == [(capability.as_of, FRESH)]


def test_a_training_that_lost_is_not_tried_again_every_day(store, connection):
    capability = Doubling()
    run(capability, store, connection)
    capability.wins = False
    capability.as_of = DAY + dt.timedelta(days=RETRAIN_AFTER_DAYS)
    run(capability, store, connection)
    capability.as_of += dt.timedelta(days=1)
    served = run(capability, store, connection)
    assert capability.trained == 2
    assert served.record is not None and served.record.trained_as_of == DAY
    assert list(store.registry()["status"].sort_values()) == [CHAMPION, REJECTED]


def test_refused_scores_leave_yesterdays_marked_stale(store, connection):
    capability = Doubling()
    run(capability, store, connection)
    before = connection.execute("SELECT * FROM ml.doubled ORDER BY ALL").fetchall()
    capability.as_of, capability.fault_words = DAY + dt.timedelta(days=1), "every score is the same"
    served = run(capability, store, connection)
    assert served.status.reason == "every score is the same"
    assert statuses(connection) == [(DAY, STALE)]
    assert connection.execute("SELECT * FROM ml.doubled ORDER BY ALL").fetchall() == before
    capability.fault_words = None
    run(capability, store, connection)
    assert statuses(connection) == [(capability.as_of, FRESH)]


def test_a_pinned_model_is_not_replaced_by_drift_and_refused_instead(store, connection):
    capability = Doubling()
    first = run(capability, store, connection)
    assert first.record is not None
    store.pin("doubling", "shop", first.record.version)
    capability.as_of, capability.visits = DAY + dt.timedelta(days=1), tuple(range(1000, 1200))
    served = run(capability, store, connection)
    assert capability.trained == 1
    assert "drifted" in served.status.reason
    assert statuses(connection) == [(DAY, STALE)]
    capability.as_of = DAY + dt.timedelta(days=LASTING_DRIFT_DAYS)
    run(capability, store, connection)
    assert capability.trained == 1
    store.unpin("doubling", "shop")
    run(capability, store, connection)
    assert statuses(connection) == [(capability.as_of, FRESH)]


def test_too_little_data_is_said_and_nothing_is_made_up(store, connection):
    capability = Doubling(visits=(1.0, 2.0))
    served = run(capability, store, connection)
    assert served.status.status == NOT_ENOUGH_DATA
    assert served.status.reason == "Not enough data: customers: needed 10, found 2."
    assert connection.execute("SELECT count(*) FROM ml.doubled").fetchall() == [(0,)]
    assert statuses(connection) == [(None, NOT_ENOUGH_DATA)]


def serving_model(store: ModelStore, served: Served) -> Path:
    assert served.record is not None
    (path,) = store.folder.glob(f"*/*/{served.record.version}/model.joblib")
    return path


@pytest.mark.parametrize(
    "content", [b"", b"no model", b"cml.outcomes.that_moved\nModel\n."], ids=["cut off", "other", "moved"]
)
def test_a_model_that_cannot_be_read_is_learned_anew(store, connection, content):
    capability = Doubling()
    path = serving_model(store, run(capability, store, connection))
    path.write_bytes(content)
    served = run(capability, store, connection)
    assert capability.trained == 2
    assert "cannot be read" in served.notes[0]
    assert statuses(connection) == [(DAY, FRESH)]
    run(capability, store, connection)
    assert capability.trained == 2


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"capability": "doubling", "shoe_size": 43}'])
def test_a_record_that_cannot_be_read_is_made_anew(store, connection, content):
    capability = Doubling()
    path = serving_model(store, run(capability, store, connection)).with_name("record.json")
    path.write_text(content)
    assert len(store.registry()) == 0
    run(capability, store, connection)
    assert (capability.trained, len(store.registry())) == (2, 1)
    assert statuses(connection) == [(DAY, FRESH)]
    run(capability, store, connection)
    assert capability.trained == 2


def test_a_model_that_is_gone_and_not_to_be_had_again_leaves_yesterdays_scores(store, connection):
    capability = Doubling()
    path = serving_model(store, run(capability, store, connection))
    path.unlink()
    capability.wins, capability.as_of = False, DAY + dt.timedelta(days=1)
    served = run(capability, store, connection)
    assert "is not kept" in served.status.reason
    assert statuses(connection) == [(DAY, STALE)]
    shutil.rmtree(path.parent)
    assert "no version" in run(capability, store, connection).status.reason
    assert statuses(connection) == [(DAY, STALE)]


def test_a_pinned_model_that_cannot_be_read_or_fed_is_refused_and_says_so(store, connection):
    capability = Doubling()
    first = run(capability, store, connection)
    assert first.record is not None
    store.pin("doubling", "shop", first.record.version)
    path = serving_model(store, first)
    whole = path.read_bytes()
    path.write_bytes(b"")
    reason = run(capability, store, connection).status.reason
    assert "cannot be read" in reason and "is pinned; unpin it" in reason
    path.write_bytes(whole)
    capability.feature = "clicks"
    assert "features are gone: visits" in run(capability, store, connection).status.reason
    assert capability.trained == 1
    assert statuses(connection) == [(DAY, STALE)]


def test_a_run_killed_before_it_pointed_to_the_new_model_is_made_up_for(store, connection, monkeypatch):
    capability = Doubling()
    old = run(capability, store, connection).record
    capability.as_of = DAY + dt.timedelta(days=RETRAIN_AFTER_DAYS)
    with monkeypatch.context() as patch:
        patch.setattr(ModelStore, "_point", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(capability, store, connection)
    assert store.champion("doubling", "shop") == old
    served = run(capability, store, connection)
    assert served.record is not None and served.record.trained_as_of == capability.as_of
    assert statuses(connection) == [(capability.as_of, FRESH)]
    run(capability, store, connection)
    assert capability.trained == 3


def test_the_last_of_two_trainings_of_one_day_is_the_newest(store, connection):
    capability = Doubling()
    for seed in range(12):
        trained = capability.train(capability.read(connection, "shop"), None, seed)
        store.save(trained.record, seed)
        assert store.newest("doubling", "shop") == trained.record


def test_the_rows_of_a_shop_that_is_gone_go(store, connection):
    capability = Doubling()
    write_served(connection, capability, [serve(capability, store, connection, shop) for shop in ("a", "b")])
    connection.execute("INSERT INTO ml.evaluation SELECT * REPLACE ('other' AS capability) FROM ml.evaluation")
    rows = write_served(connection, capability, [serve(capability, store, connection, "b")])
    assert rows == {"doubled": 200}
    for table in ("doubled", "score_status"):
        assert connection.execute(f"SELECT DISTINCT shop_id FROM ml.{table}").fetchall() == [("b",)]
    found = connection.execute("SELECT capability, shop_id FROM ml.evaluation ORDER BY ALL").fetchall()
    assert found == [("doubling", "b"), ("other", "a"), ("other", "b")]
    assert write_served(connection, capability, []) == {"doubled": 0}


def test_a_shop_that_loses_its_customers_keeps_its_scores_marked_stale_and_others_are_fresh(store, connection):
    capability, emptied = Doubling(), Doubling(visits=())
    write_served(connection, capability, [serve(capability, store, connection, shop) for shop in ("a", "b")])
    later = [serve(emptied, store, connection, "a"), serve(capability, store, connection, "b")]
    write_served(connection, capability, later)
    found = connection.execute("SELECT shop_id, served_as_of, status FROM ml.score_status ORDER BY ALL").fetchall()
    assert found == [("a", DAY, STALE), ("b", DAY, FRESH)]
    assert connection.execute("SELECT count(*) FROM ml.doubled WHERE shop_id = 'a'").fetchall() == [(200,)]


def test_who_was_erased_is_in_no_stale_score_either(store, connection):
    capability = Doubling()
    run(capability, store, connection)
    connection.execute(
        """
        CREATE SCHEMA features; CREATE SCHEMA staging;
        CREATE TABLE staging.stg_shops AS SELECT 'shop' AS shop_id;
        CREATE TABLE features.feat_customer_days AS SELECT shop_id, customer_id FROM ml.doubled WHERE score > 0;
        """
    )
    capability.as_of, capability.fault_words = DAY + dt.timedelta(days=1), "every score is the same"
    run(capability, store, connection)
    assert statuses(connection) == [(DAY, STALE)]
    assert connection.execute("SELECT count(*), min(score) FROM ml.doubled").fetchall() == [(199, 2.0)]


def test_a_run_killed_before_it_wrote_is_made_up_for(store, connection):
    capability = Doubling()
    serve(capability, store, connection, "shop")
    run(capability, store, connection)
    assert capability.trained == 1
    assert connection.execute("SELECT count(*) FROM ml.evaluation").fetchall() == [(1,)]
    assert np.isclose(connection.execute("SELECT sum(score) FROM ml.doubled").fetchall()[0][0], 2.0 * sum(range(200)))

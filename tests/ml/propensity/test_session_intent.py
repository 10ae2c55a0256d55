"""Session intent from the warehouse's table to scores: what it learns from, what it says, and when it says nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.evaluation.classification import auc
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.results import evaluation_frame
from ml.propensity.session_history import Block, Span, blocks, read_block, read_sessions, session_span
from ml.propensity.session_intent import INTENT_COLUMNS, SessionIntent
from ml.registry.store import ModelStore
from ml.serving.serve import Served, serve
from ml.serving.status import FRESH, NOT_ENOUGH_DATA, STALE
from ml.serving.write import write_served
from tests.ml.propensity.session_shop import FIRST, sessions, shop

CAPABILITY = SessionIntent()


@pytest.fixture(scope="module")
def warehouse() -> duckdb.DuckDBPyConnection:
    return shop(sessions())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def served(warehouse: duckdb.DuckDBPyConnection, store: ModelStore) -> Served:
    return serve(CAPABILITY, store, warehouse, "shop")


def test_newest_week_of_sessions_that_had_not_bought_is_scored(served: Served) -> None:
    rows = served.tables["session_intent"]
    given = sessions()
    wanted = given[(given["session_date"] >= FIRST + dt.timedelta(days=35)) & (given["purchases"] == 0)]
    assert served.status.status == FRESH and list(rows.columns) == list(INTENT_COLUMNS)
    assert sorted(rows["session_id"]) == sorted(wanted["session_id"])
    told = rows.set_index("session_id")["has_purchased"]
    assert told.equals(wanted.set_index("session_id")["purchased_later"].rename("has_purchased").loc[told.index])
    assert rows["purchase_probability"].between(0, 1).all()
    # The newest day is the one that nothing was learned from.
    newest = rows[pd.to_datetime(rows["session_date"]).dt.date == FIRST + dt.timedelta(days=41)]
    ranked = auc(newest["has_purchased"].to_numpy(dtype=float), newest["purchase_probability"].to_numpy())
    assert ranked(np.ones(len(newest))) > 0.6


def test_winner_beats_carted_already_and_everyone_is_measured(served: Served) -> None:
    figures = served.evaluation.set_index(["model", "metric"])
    for name in (
        "base_rate",
        "carted_already",
        "one_column",
        "few_columns_logit",
        "logit",
        "gradient_boosting",
        "blend",
    ):
        assert {"auc", "log_loss", "calibration_error"} <= set(figures.loc[name].index)
    assert served.record is not None
    gain = figures.loc[(served.record.model, "auc_gain_over_carted_already")]
    assert gain["ci_low"] > 0
    assert figures.loc[(served.record.model, "calibration_error"), "value"] < 0.06
    assert figures.loc[("base_rate", "auc"), "value"] < figures.loc[("carted_already", "auc"), "value"]
    assert set(served.plots) and all(image.startswith(b"\x89PNG") for image in served.plots.values())


def test_scores_are_written_once_a_session(served: Served, warehouse: duckdb.DuckDBPyConnection) -> None:
    for _ in range(2):
        rows = write_served(warehouse, CAPABILITY, [served])
    assert rows["session_intent"] == len(served.tables["session_intent"])
    kinds = dict(
        warehouse.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'session_intent'"
        ).fetchall()
    )
    assert kinds == INTENT_COLUMNS


def test_same_seed_same_scores_whatever_the_order_of_rows(served: Served, tmp_path: Path) -> None:
    mixed = shop(sessions().sample(frac=1, random_state=5))
    again = serve(CAPABILITY, ModelStore(tmp_path), mixed, "shop")
    assert again.record and served.record and again.record.version == served.record.version
    difference = (
        again.tables["session_intent"]["purchase_probability"] - served.tables["session_intent"]["purchase_probability"]
    )
    assert difference.abs().max() < 1e-9


def test_what_comes_after_the_nth_event_changes_no_score(served: Served, store: ModelStore) -> None:
    """The label of the sessions that are scored is all that later events change; no score hangs on it."""
    frame = sessions()
    newest = pd.Series(frame["session_date"]) >= FIRST + dt.timedelta(days=35)
    frame.loc[newest, "purchased_later"] = ~frame.loc[newest, "purchased_later"]
    assert served.record is not None
    data = CAPABILITY.read(shop(frame), "shop")
    rows = CAPABILITY.score(store.load(served.record), served.record, data)["session_intent"]
    before = served.tables["session_intent"]
    assert rows["purchase_probability"].equals(before["purchase_probability"])
    assert (rows["has_purchased"] != before["has_purchased"]).all()


def test_a_feature_that_knows_the_purchase_is_refused(tmp_path: Path) -> None:
    frame = sessions()
    frame["other_events"] = frame["purchased_later"].astype(int)
    refused = serve(CAPABILITY, ModelStore(tmp_path), shop(frame), "shop")
    assert refused.status.status == NOT_ENOUGH_DATA or refused.status.status == STALE
    assert not refused.tables and "other_events alone has an AUC of 1.000" in " ".join(refused.notes)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        pytest.param(sessions().iloc[:0], "sessions: needed at least one", id="no sessions"),
        pytest.param(sessions(1, 1), "history: needed", id="one session"),
        pytest.param(sessions(1, 300), "history: needed", id="one day"),
        pytest.param(sessions(2, 300), "history: needed", id="one complete day"),
        pytest.param(sessions(10, 1), "cases of both kinds|cases to learn from", id="one session a day"),
        pytest.param(sessions(buys=0), "cases of both kinds", id="nobody buys"),
        pytest.param(sessions(buys=1), "cases of both kinds", id="everybody buys"),
        pytest.param(sessions().assign(purchases=1), "sessions: needed at least one", id="all bought before"),
    ],
)
def test_too_little_to_learn_from_is_said(frame: pd.DataFrame, words: str, tmp_path: Path) -> None:
    found = serve(CAPABILITY, ModelStore(tmp_path), shop(frame), "shop")
    assert found.status.status == NOT_ENOUGH_DATA and not found.tables
    assert found.status.reason.startswith("Not enough data: ")
    assert any(word in found.status.reason for word in words.split("|")), found.status.reason


def test_nothing_that_varies_is_said() -> None:
    frame = sessions(14)
    labels = ["shop_id", "session_date", "session_id", "visitor_id", "purchased_later"]
    for name in frame.columns.difference(labels):
        frame[name] = pd.Series([frame[name].iloc[0]] * len(frame), dtype=frame[name].dtype)
    frame["purchases"] = 0
    connection = shop(frame)
    with pytest.raises(NotEnoughData, match="at least one feature that varies"):
        CAPABILITY.train(CAPABILITY.read(connection, "shop"), None, 42)


def test_missing_values_and_new_categories_are_scored(served: Served, store: ModelStore) -> None:
    frame = sessions()
    rng = np.random.default_rng(0)
    for name in ("seconds_since_start", "max_price_viewed_minor", "mean_price_viewed_minor", "cart_value_minor"):
        frame[name] = frame[name].astype("float64").where(rng.random(len(frame)) > 0.05)
    for name, odd in (("country", "Østrig"), ("device", None), ("channel_group", "新渠道")):
        frame.loc[rng.random(len(frame)) < 0.05, name] = odd
    assert served.record is not None
    rows = CAPABILITY.score(store.load(served.record), served.record, CAPABILITY.read(shop(frame), "shop"))
    scored = rows["session_intent"]["purchase_probability"]
    assert scored.between(0, 1).all() and len(scored) == len(served.tables["session_intent"])


def test_folds_are_weeks_back_from_the_newest_day_which_is_left_out() -> None:
    found = blocks(Span(FIRST, FIRST + dt.timedelta(days=41), 1))
    assert [block.end for block in found] == [FIRST + dt.timedelta(days=days) for days in (13, 20, 27, 34, 41)]
    assert all(block.end - block.first == dt.timedelta(days=7) for block in found)
    assert len(blocks(Span(FIRST, FIRST + dt.timedelta(days=400), 1))) == 13
    young = blocks(Span(FIRST, FIRST + dt.timedelta(days=9), 1))
    assert [(block.end - block.first).days for block in young] == [2, 2, 2, 2]
    assert blocks(Span(FIRST, FIRST, 1)) == []


def test_a_large_shop_is_sampled_the_same_every_time() -> None:
    connection = shop(sessions(8, 100))
    span = session_span(connection, "shop")
    block = blocks(span)[0]
    part = read_block(connection, "shop", block, most_rows=40)
    again = read_block(shop(sessions(8, 100).iloc[::-1]), "shop", block, most_rows=40)
    assert len(part.frame) == 40 and part.frame["session_id"].tolist() == again.frame["session_id"].tolist()
    assert part.y.tolist() == again.y.tolist()
    whole = read_sessions(connection, "shop", Block(span.first, span.known_until))
    assert len(whole) == span.sessions and set(part.frame["session_id"]) < set(whole["session_id"])


def test_evaluation_has_one_row_per_key(served: Served) -> None:
    assert not served.evaluation.duplicated(["capability", "shop_id", "as_of", "model", "metric"]).any()
    assert list(served.evaluation.columns) == list(evaluation_frame([]).columns)

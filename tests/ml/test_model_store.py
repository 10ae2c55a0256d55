"""Models on disk: a process killed anywhere leaves the champion of before, and no shop's name leads astray."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import joblib
import pandas as pd
import pytest

from ml.learners.candidates import classifiers
from ml.outcomes.candidates import purchase_candidates
from ml.registry.record import CHALLENGER, CHAMPION, REJECTED, RETIRED, ModelRecord, data_digest
from ml.registry.store import KEPT_MODELS, ModelStore


def record(day: int = 1, shop_id: str = "shop", status: str = CHAMPION, **changes: object) -> ModelRecord:
    plain = ModelRecord(
        capability="churn",
        shop_id=shop_id,
        model="logit",
        trained_as_of=dt.date(2026, 1, day),
        data_from=dt.date(2025, 1, 1),
        data_until=dt.date(2026, 1, day),
        training_rows=100,
        features=("recency", "frequency"),
        code_version=1,
        seed=42,
        data_digest="d" * 16,
        status=status,
        reason="why",
        parameters={"horizon_days": 90},
        metrics={"auc": [0.7, 0.6, 0.8]},
    )
    return dataclasses.replace(plain, **changes)


def test_what_was_saved_is_read_back_and_serves(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    assert store.champion("churn", "shop") is None
    store.save(record(), {"weights": [1, 2]})
    assert store.champion("churn", "shop") == record()
    assert store.load(record()) == {"weights": [1, 2]}
    assert ModelRecord.from_json(record().to_json()) == record()


@pytest.mark.parametrize("shop_id", ["..", ".", "a/b", "../../x", "店", "a b", "%2E", "A.b", ".hidden", "*", "[!.]"])
def test_a_shop_may_have_any_name_and_never_leaves_the_folder(tmp_path: Path, shop_id: str) -> None:
    folder = tmp_path / "home" / "models"
    store = ModelStore(folder)
    store.save(record(shop_id="other"), "of another shop")
    store.save(record(shop_id=shop_id), "model")
    found = store.champion("churn", shop_id)
    assert found is not None
    assert found.shop_id == shop_id
    assert store.load(found) == "model"
    assert [one.shop_id for one in store.records("churn", shop_id)] == [shop_id]
    assert set(store.registry()["shop_id"]) == {shop_id, "other"}
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["models"]
    assert [path.name for path in folder.iterdir()] == ["churn"]
    assert len(list((folder / "churn").iterdir())) == 2


class Killed(BaseException):
    """Stands for kill -9: nothing cleans up after it."""


@pytest.mark.parametrize("step", ["dump", "mkdir", "write", "rename", "replace"])
def test_killed_between_any_two_steps_the_old_champion_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store = ModelStore(tmp_path)
    store.save(record(1), "old")

    def killed(*arguments: object, **named: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if step == "dump":
            patch.setattr(joblib, "dump", killed)
        elif step == "write":
            patch.setattr("ml.registry.store._write", killed)
        else:
            patch.setattr(Path, step, killed)
        with pytest.raises(Killed):
            store.save(record(2), "new")
    champion = store.champion("churn", "shop")
    assert champion == record(1)
    assert store.load(champion) == "old"
    # what was left half done is in nobody's way
    known = {one.version for one in store.records("churn", "shop")}
    assert known <= {record(1).version, record(2).version}
    assert len(store.registry()) == len(known)
    store.save(record(2), "new")
    champion = store.champion("churn", "shop")
    assert champion == record(2)
    assert store.load(champion) == "new"


def test_the_same_version_again_changes_nothing_but_the_pointer(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.save(record(1), "first")
    store.save(record(2), "second")
    store.save(record(1), "not written")
    assert len(store.records("churn", "shop")) == 2
    champion = store.champion("churn", "shop")
    assert champion == record(1)
    assert store.load(champion) == "first"


def test_the_same_version_again_brings_back_a_model_that_was_removed_or_cut_off(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.save(record(1), "first")
    (path,) = tmp_path.glob("*/*/*/model.joblib")
    for damage in (path.unlink, lambda: path.write_bytes(b"")):
        damage()
        store.save(record(1), "again")
        assert store.load(record(1)) == "again"


@pytest.mark.parametrize("version", ["../other/{}", "../../churn/other/{}", "", ".", ".."])
def test_a_version_with_a_path_in_it_leads_to_no_other_shop(tmp_path: Path, version: str) -> None:
    store = ModelStore(tmp_path)
    store.save(record(shop_id="other"), "of another shop")
    store.save(record(), "own")
    with pytest.raises(KeyError, match="no version"):
        store.pin("churn", "shop", version.format(record(shop_id="other").version))
    assert store.pointer("churn", "..") is None
    assert store.champion("churn", "shop") == record()


def test_what_did_not_win_is_kept_and_does_not_serve(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.save(record(1), "serves")
    store.save(record(2, status=REJECTED), "refused")
    store.save(record(3, status=CHALLENGER), "lost")
    assert store.champion("churn", "shop") == record(1)
    assert list(store.registry()["status"].sort_values()) == [CHALLENGER, CHAMPION, REJECTED]
    store.save(record(4), "won")
    status = store.registry().set_index("trained_as_of")["status"]
    assert (status[dt.date(2026, 1, 1)], status[dt.date(2026, 1, 4)]) == (RETIRED, CHAMPION)


def test_a_pinned_version_stays_until_it_is_unpinned(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.save(record(1), "old")
    store.save(record(2), "new")
    store.pin("churn", "shop", record(1).version)
    store.save(record(3), "newer")
    assert store.champion("churn", "shop") == record(1)
    assert list(store.registry().query("is_pinned")["version"]) == [record(1).version]
    now = store.registry().set_index("version")["status"]
    assert [now[record(day).version] for day in (1, 2, 3)] == [CHAMPION, CHALLENGER, CHALLENGER]
    store.unpin("churn", "shop")
    assert store.champion("churn", "shop") == record(1)
    store.save(record(4), "newest")
    assert store.champion("churn", "shop") == record(4)
    with pytest.raises(KeyError, match="no version is pinned"):
        store.unpin("churn", "shop")
    with pytest.raises(KeyError, match="no version nothing"):
        store.pin("churn", "shop", "nothing")


def test_old_models_go_records_stay_and_the_champions_model_stays_too(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.save(record(1), "serves")
    for day in range(2, KEPT_MODELS + 5):
        store.save(record(day, status=CHALLENGER), day)
    assert len(store.records("churn", "shop")) == KEPT_MODELS + 4
    assert store.load(record(1)) == "serves"
    kept = [one for one in store.records("churn", "shop") if list(tmp_path.glob(f"*/*/{one.version}/*.joblib"))]
    assert len(kept) == KEPT_MODELS + 1
    with pytest.raises(KeyError, match="is not kept"):
        store.load(record(2, status=CHALLENGER))


def test_a_version_is_of_data_code_and_seed_and_not_of_the_verdict() -> None:
    assert record(status=REJECTED, reason="other", metrics={}).version == record().version
    for changed in ({"seed": 1}, {"code_version": 2}, {"data_digest": "e"}, {"parameters": {"horizon_days": 30}}):
        assert record(**changed).version != record().version
    broken = record().to_json().replace('"training_rows": 100', '"training_rows": 101')
    with pytest.raises(ValueError, match="says version"):
        ModelRecord.from_json(broken)


def test_a_digest_is_of_content_and_not_of_the_order_of_rows() -> None:
    frame = pd.DataFrame({"customer_id": ["甲", "b", "c"], "x": [1.0, None, 3.0]})
    assert data_digest(frame.iloc[::-1]) == data_digest(frame)
    assert data_digest(frame.assign(x=[1.0, None, 3.1])) != data_digest(frame)


@pytest.mark.parametrize(
    "candidate", [*purchase_candidates(90, happens_on_order=True), *classifiers()], ids=lambda one: one.name
)
def test_every_candidate_can_be_saved(tmp_path: Path, candidate: object) -> None:
    joblib.dump(candidate, tmp_path / "candidate")
    assert joblib.load(tmp_path / "candidate").name == candidate.name  # type: ignore[attr-defined]

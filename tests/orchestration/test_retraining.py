"""Whose models a run learns anew: everybody's, one shop's, or nobody's who are not due."""

from __future__ import annotations

import dagster as dg
import duckdb
import pytest

from ml.registry.store import ModelStore
from orchestration.assets.models import RETRAIN_SHOP_TAG, RETRAIN_TAG, ModelStep, build_model_assets
from orchestration.resources import Warehouse
from orchestration.settings import Settings
from tests.ml.test_serving import Doubling


class Learning(Doubling):
    """Tells whose models it has learned, in order."""

    def train(self, data, champion, random_state):
        self.seen = [*getattr(self, "seen", []), data.shop_id]
        return super().train(data, champion, random_state)


@pytest.mark.parametrize(
    ("tags", "learned"),
    [
        ({}, []),
        ({RETRAIN_TAG: "true"}, ["магазин", "店"]),
        ({RETRAIN_TAG: "true", RETRAIN_SHOP_TAG: "店"}, ["店"]),
    ],
    ids=["not asked for", "every shop", "one shop"],
)
def test_a_run_learns_the_models_that_it_was_asked_to(
    settings: Settings, tags: dict[str, str], learned: list[str]
) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("CREATE SCHEMA staging")
        connection.execute("CREATE TABLE staging.stg_shops AS SELECT unnest(['店', 'магазин']) AS shop_id")
    capability = Learning()
    step = ModelStep("doubling", lambda: capability, {"doubled": "Twice the visits."}, [])
    assets = build_model_assets(settings, [step])
    warehouse = Warehouse(settings.warehouse, settings.lake, settings.duckdb_memory, 1)
    resources = {"settings": settings, "warehouse": warehouse}
    assert dg.materialize(assets, resources=resources).success
    assert capability.seen == ["магазин", "店"], "none serves yet"
    assert dg.materialize(assets, resources=resources, tags=tags).success
    assert capability.seen[2:] == learned
    assert {len(ModelStore(settings.models).records("doubling", shop)) for shop in ("店", "магазин")} == {1}

"""`footfall identity` overrules the rules, and says so when it is about somebody whom nobody has seen."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ingestion.lake import Lake
from orchestration.assets.dbt_models import _build
from orchestration.settings import Settings
from publishing import TableSpec, publish
from tests.orchestration.test_cli import footfall

REASON = ("--reason", "told us")


def _spec(name: str, *key: str) -> TableSpec:
    return TableSpec(name=name, schema="marts", relation=name, key=key, partition_by=None, description=f"{name}.")


@pytest.fixture
def published(footfall_home: Path) -> Path:
    """A published version that knows the device d1 and the customer c1 of the shop `main`."""
    warehouse = footfall_home / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            """
            create schema marts;
            create schema ops;
            create table ops.partition_writes
                (write_id bigint, model varchar, from_date date, to_date date, written_at timestamp);
            create table marts.agg_user_daily as select 'main' as shop_id, 'd1' as visitor_id, date '2025-03-10' as day;
            create table marts.dim_customers as select 'main' as shop_id, 'c1' as customer_id;
            """
        )
    specs = [_spec("agg_user_daily", "shop_id", "visitor_id"), _spec("dim_customers", "shop_id", "customer_id")]
    publish(warehouse, footfall_home / "published", specs, "test", date(2025, 3, 10))
    return footfall_home


@pytest.mark.parametrize("action", ["separate", "join"])
def test_a_decision_about_known_ids_is_written_without_a_word(published: Path, action: str) -> None:
    done = footfall("identity", action, "d1", "c1", *REASON)
    assert done.exit_code == 0, done.output
    assert done.stderr == "" and "The next run counts it" in done.stdout
    assert f",d1,c1,{action}," in (published / "lake" / "identity_overrides.csv").read_text()


@pytest.mark.parametrize(
    ("device", "customer", "words"),
    [
        ("d2", "c1", ["agg_user_daily", "no device 'd2' in shop 'main'"]),
        ("d1", "c2", ["dim_customers", "no customer 'c2' in shop 'main'"]),
        ("c1", "d1", ["no device 'c1'", "no customer 'd1'"]),
    ],
)
def test_unknown_ids_are_warned_of_and_written(published: Path, device: str, customer: str, words: list[str]) -> None:
    done = footfall("identity", "separate", device, customer, *REASON)
    assert done.exit_code == 0, done.output
    assert all(word in done.stderr for word in words) and "Written all the same" in done.stderr
    assert f",{device},{customer},separate," in (published / "lake" / "identity_overrides.csv").read_text()


def test_before_anything_is_published_nobody_can_be_unknown(footfall_home: Path) -> None:
    done = footfall("identity", "join", "d2", "c2", *REASON)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""


def test_a_file_that_cannot_be_read_is_left_alone_and_named(footfall_home: Path) -> None:
    footfall("identity", "join", "d2", "c2", *REASON)
    file = footfall_home / "lake" / "identity_overrides.csv"
    spoilt = file.read_text().replace(",join,", ",merge,")
    file.write_text(spoilt)
    done = footfall("identity", "join", "d3", "c3", *REASON)
    assert done.exit_code != 0
    assert f"{file}: line 2: action is 'merge'" in done.stderr
    assert file.read_text() == spoilt


def test_a_run_stops_at_a_file_that_cannot_be_read_before_it_writes(settings: Settings) -> None:
    file = Lake(settings.lake).identity_overrides_file
    file.write_text(file.read_text() + "main,d1,c1,join,yesterday,ann,\n")
    anything: Any = None
    with pytest.raises(dg.Failure) as refused:
        next(_build(anything, {}, anything, settings, anything, [], None))
    assert f"{file}: line 2: decided_at is 'yesterday'" in str(refused.value.description)
    assert not refused.value.allow_retries and not settings.warehouse.exists()

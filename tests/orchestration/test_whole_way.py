"""The whole way once, as a person goes it: demo, status, one more day, a check that does not add up, docs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from click.testing import Result
from typer.testing import CliRunner

from ingestion.lake import Lake
from ingestion.ledger import active_loads, read_ledger
from orchestration.checks import build_checks
from orchestration.cli import app
from orchestration.demo import SHOP, simulate_once
from orchestration.health import age_of_data, find_troubles, waiting_days
from orchestration.reconciliations import RECONCILIATIONS, Reconciliation, examine
from orchestration.resources import Warehouse
from orchestration.settings import Settings, load_settings
from publishing import PublishedReader
from tests.orchestration.small_shop import drop, visit

VISITORS, DAYS = 300, 10


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a home in which `footfall demo` has run once; the tests below go on with it, in order."""
    home = tmp_path_factory.mktemp("demo") / "var"
    before = dict(os.environ)
    os.environ["FOOTFALL_HOME"] = str(home)
    try:
        done = footfall("demo", "--visitors", str(VISITORS), "--days", str(DAYS))
        assert done.exit_code == 0, done.output
        settings = load_settings(home=home, **SHOP)
        (home / "first_answer.txt").write_text(done.stdout)
        yield settings
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(autouse=True)
def _at_home(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in shop.environment().items():
        monkeypatch.setenv(key, value)


def footfall(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def answer(*arguments: str, code: int = 0) -> Any:
    done = footfall(*arguments, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def runs(shop: Settings) -> list[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(str(shop.dagster_home)) as instance:
        return list(instance.get_runs())


def test_the_demo_shows_what_the_simulator_planted(shop: Settings) -> None:
    text = (shop.home / "first_answer.txt").read_text()
    truth = json.loads((shop.home / "demo" / "truth" / "summary.json").read_text())
    with PublishedReader(shop.published).connect() as connection:
        orders, net = connection.execute(
            "SELECT count(*) FILTER (has_purchase), sum(net_revenue_minor) FROM fct_orders"
        ).fetchone()
    assert orders == truth["orders"]
    assert net == truth["net_revenue"]
    assert f"Orders      {orders:,}, net revenue {net / 100:,.2f} CNY" in text
    for words in ("RFM groups", "Segments", "Where to look next", "quarantined", "Sessions"):
        assert words in text


def test_the_demo_was_one_run_of_all_days_and_shows_in_the_ui(shop: Settings) -> None:
    [run] = runs(shop)
    assert (run.job_name, run.status) == ("daily", dg.DagsterRunStatus.SUCCESS)
    days = sorted(part["day"] for entry in active_loads(read_ledger(Lake(shop.lake))) for part in entry.arrival_days)
    assert run.tags["dagster/asset_partition_range_start"] == days[0]
    assert run.tags["dagster/asset_partition_range_end"] == days[-1]


def test_every_check_passed_and_every_table_is_published(shop: Settings) -> None:
    with dg.DagsterInstance.from_config(str(shop.dagster_home)) as instance:
        [run] = instance.get_runs()
        checks = [
            entry.dagster_event.event_specific_data
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
            if entry.dagster_event is not None
        ]
    failed: list[Any] = [check for check in checks if not check.passed]  # type: ignore[union-attr]
    assert failed == []
    assert len(checks) > 20
    assert {"fct_sessions", "customer_segments", "segments", "evaluation"} <= set(
        PublishedReader(shop.published).manifest.tables
    )


def test_metadata_says_what_a_person_wants(shop: Settings) -> None:
    with dg.DagsterInstance.from_config(str(shop.dagster_home)) as instance:
        latest = instance.get_latest_materialization_event(dg.AssetKey(["marts", "fct_sessions"]))
        assert latest is not None and latest.asset_materialization is not None
        metadata = latest.asset_materialization.metadata
    with PublishedReader(shop.published).connect() as connection:
        (sessions,) = connection.execute("SELECT count(*) FROM fct_sessions").fetchone()
    assert metadata["dagster/row_count"].value == sessions
    assert "seconds" in metadata and " to " in str(metadata["arrival_days"].value)


def test_a_second_demo_changes_nothing(shop: Settings) -> None:
    before = PublishedReader(shop.published).version
    done = footfall("demo")
    assert done.exit_code == 0, done.output
    assert "Nothing is pending" in done.stderr
    assert PublishedReader(shop.published).version == before
    assert len(runs(shop)) == 1


def test_a_rerun_works_on_the_shop_that_is_there_whatever_the_date(shop: Settings) -> None:
    folder = simulate_once(shop, 9_999_999, 1, 1, date(2031, 1, 1), lambda words: None)
    parameters = json.loads((folder / "parameters.json").read_text())
    assert (parameters["visitors"], parameters["days"]) == (VISITORS, DAYS)


def test_run_without_anything_to_do_is_fine_and_says_so(shop: Settings) -> None:
    assert answer("run") == {"runs": []}
    assert "Nothing to do" in footfall("run").stdout


def test_status_adds_up(shop: Settings) -> None:
    found = answer("status")
    assert found["rows_read"] == sum(
        found[name] for name in ("rows_accepted", "rows_quarantined", "rows_duplicate", "rows_skipped")
    )
    assert found["pending_days"] == [] and found["troubles"] == []
    assert found["published_version"] == PublishedReader(shop.published).version
    assert found["published_version"] in footfall("status").stdout


def test_one_more_file_is_one_more_day_and_one_more_run(shop: Settings) -> None:
    newest = max(age.newest_day for age in age_of_data(shop, datetime.now(UTC)))
    with PublishedReader(shop.published).connect() as connection:
        (before,) = connection.execute(
            "SELECT sum(sessions) FROM agg_kpis_daily WHERE kpi_date = ?", [newest]
        ).fetchone()
    drop(shop.home, newest, visit(newest, "brand-new-device"))
    [run] = answer("run")["runs"]
    assert run["success"] and run["from"] == run["to"] == newest.isoformat()
    with PublishedReader(shop.published).connect() as connection:
        (after,) = connection.execute(
            "SELECT sum(sessions) FROM agg_kpis_daily WHERE kpi_date = ?", [newest]
        ).fetchone()
    assert after == before + 1
    assert waiting_days(shop) == []
    assert len(runs(shop)) == 2


def test_old_data_are_a_trouble_and_an_exit_code(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_month = datetime(datetime.now(UTC).year + 1, 1, 1, tzinfo=UTC)
    [trouble] = find_troubles(shop, in_a_month)
    assert trouble.name == "old_data:demo"
    assert "expected at most 48 hours" in trouble.words
    monkeypatch.setenv("FOOTFALL_MAX_QUARANTINE_SHARE", "0")
    found = answer("status", code=3)
    assert [trouble["name"] for trouble in found["troubles"]] == ["quarantine"]


def test_the_docs_page_stands_alone(shop: Settings) -> None:
    done = footfall("docs", "--no-serve")
    assert done.exit_code == 0, done.output
    page = Path(done.stdout.strip())
    text = page.read_text()
    assert "fct_sessions" in text and len(text) > 100_000


@pytest.mark.parametrize("question", RECONCILIATIONS, ids=lambda question: question.name)
def test_every_reconciliation_holds_here(shop: Settings, question: Reconciliation) -> None:
    with warehouse_of(shop).connect(read_only=True) as connection:
        verdict = examine(connection, question)
    assert verdict.passed, verdict.words
    assert verdict.words == question.holds


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        (
            "movements_add_up_to_orders",
            "UPDATE marts.fct_orders SET net_revenue_minor = net_revenue_minor + 100 "
            "WHERE order_id = (SELECT min(order_id) FROM marts.fct_orders WHERE net_revenue_minor IS NOT NULL)",
            "100 minor units apart",
        ),
        (
            "daily_revenue_adds_up_to_orders",
            "DELETE FROM marts.agg_kpis_daily "
            "WHERE kpi_date = (SELECT max(kpi_date) FROM marts.agg_kpis_daily WHERE orders > 0)",
            "shop demo: the days hold",
        ),
        (
            "sessions_account_for_events",
            "DELETE FROM marts.fct_sessions WHERE session_id = (SELECT min(session_id) FROM marts.fct_sessions)",
            "shop demo: sessions hold",
        ),
        (
            "segments_cover_customers",
            "DELETE FROM ml.customer_segments WHERE customer_id = (SELECT min(customer_id) FROM ml.customer_segments)",
            "1 customers without a segment",
        ),
    ],
)
def test_a_check_that_fails_says_what_where_and_how_much(
    shop: Settings, tmp_path: Path, name: str, damage: str, words: str
) -> None:
    copy = tmp_path / "warehouse.duckdb"
    copy.write_bytes(shop.warehouse.read_bytes())
    with duckdb.connect(copy) as connection:
        connection.execute(damage)
    broken = Warehouse(copy, shop.lake, "1GB", 1)
    [check] = [check for check in build_checks() if check.check_key.name == name]
    result: Any = check(warehouse=broken)
    assert not result.passed
    assert words in result.description
    assert "Compare " in result.description
    assert check.get_spec_for_check_key(check.check_key).blocking


def warehouse_of(shop: Settings) -> Warehouse:
    return Warehouse(shop.warehouse, shop.lake, shop.duckdb_memory, shop.duckdb_threads)

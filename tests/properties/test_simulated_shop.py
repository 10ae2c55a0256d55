"""A simulated shop: day by day and in shuffled order equal one load, and one load equals the planted truth."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.shops import Shop
from ingestion.simulator import SimulatorConfig, simulate
from tests.properties.warehouse import Export, Warehouse, assert_same_export

SHOP = Shop("shop", "Asia/Shanghai", "CNY", "tables")
CONFIG = SimulatorConfig(visitors=500, days=14, start=date(2026, 1, 5), seed=11, very_late_share=0.02)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated")
    simulate(CONFIG, out, per_day=True)
    return out


def _files_by_day(out: Path) -> dict[date, list[Path]]:
    """Log and table files by the day in their names."""
    files: dict[date, list[Path]] = {}
    for file in sorted([*(out / "logs").iterdir(), *(out / "tables").iterdir()]):
        found = re.search(r"\d{4}-\d{2}-\d{2}", file.name)
        assert found, file
        files.setdefault(date.fromisoformat(found.group()), []).append(file)
    return files


def _land(warehouse: Warehouse, files: Iterable[Path]) -> None:
    for file in files:
        kind = re.split(r"-\d{4}-", file.name)[0]
        warehouse.land([file], f"footfall_simulator_{kind}", SHOP)


@pytest.fixture(scope="module")
def whole(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("whole"))
    for files in _files_by_day(simulated).values():
        _land(warehouse, files)
    warehouse.build()
    return warehouse


def _steps(simulated: Path, days_a_step: int) -> list[list[date]]:
    """The days of the shop in order, so many in a step."""
    days = sorted(_files_by_day(simulated))
    return [days[begin : begin + days_a_step] for begin in range(0, len(days), days_a_step)]


def _stepwise(steps: Iterable[Sequence[date]], simulated: Path, home: Path) -> Export:
    """The days of a step arrive, a run about them follows, then the next step arrives."""
    warehouse, files = Warehouse(home), _files_by_day(simulated)
    for step in steps:
        for day in step:
            _land(warehouse, files[day])
        warehouse.build(step[0], step[-1])
    return warehouse.export()


DAYS_A_STEP = [pytest.param(1, marks=pytest.mark.long), 3]


@pytest.mark.parametrize("days_a_step", DAYS_A_STEP)
def test_day_after_day_equals_one_load(whole: Warehouse, simulated: Path, tmp_path: Path, days_a_step: int) -> None:
    assert_same_export(_stepwise(_steps(simulated, days_a_step), simulated, tmp_path), whole.export())


@pytest.mark.parametrize("days_a_step", DAYS_A_STEP)
def test_shuffled_days_equal_one_load(whole: Warehouse, simulated: Path, tmp_path: Path, days_a_step: int) -> None:
    steps = _steps(simulated, days_a_step)
    random.Random(5).shuffle(steps)
    assert_same_export(_stepwise(steps, simulated, tmp_path), whole.export())


def _truth(simulated: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"set file_search_path = '{simulated / 'truth'}'")
        return connection.execute(query).fetchall()


def test_sessions_are_the_planted_ones(whole: Warehouse, simulated: Path) -> None:
    ours = whole.rows(
        "select device_id, session_start_ts, session_end_ts, events, page_views from marts.fct_sessions order by 1, 2"
    )
    planted = _truth(
        simulated,
        "select device_id, session_start, session_end, events, page_views from 'sessions.parquet' order by 1, 2",
    )
    assert len(planted) > 500
    assert ours == planted


def test_orders_are_the_planted_ones(whole: Warehouse, simulated: Path) -> None:
    ours = whole.rows(
        "select order_id, ordered_at, revenue_minor, refund_minor, status = 'cancelled' "
        "from marts.fct_orders order by 1"
    )
    planted = _truth(
        simulated,
        "select order_id, ordered_at, value, refunded + case when cancelled then value else 0 end, cancelled "
        "from 'orders.parquet' where not is_test order by 1",
    )
    assert len(planted) > 20
    assert ours == planted
    # a purchase hit that a blocker swallowed is not tracked; one that came too late is not either
    unseen = set(whole.rows("select order_id from marts.fct_orders where purchase_events = 0"))
    assert unseen >= set(_truth(simulated, "select order_id from 'orders.parquet' where not tracked and not is_test"))


def test_every_planted_event_is_accounted_for(whole: Warehouse, simulated: Path) -> None:
    fates = dict(_truth(simulated, "select fate, sum(lines)::bigint from 'deliveries.parquet' group by 1"))
    assert whole.rows("select sum(events)::bigint from marts.audit_events_daily") == [(fates["clean"],)]
    late = whole.rows("select count(distinct event_id) from intermediate.int_events_too_late")
    assert late == [(fates["too_late"] + fates.get("dirty_future_clock", 0),)]
    over_cap = _truth(simulated, "select sum(over_cap_events)::bigint from 'sessions.parquet'")
    assert whole.rows("select sum(events_past_session_cap)::bigint from marts.audit_events_daily") == over_cap


def test_programs_are_found_and_people_are_left_alone(whole: Warehouse, simulated: Path) -> None:
    flagged = dict(whole.rows("select visitor_id, bool_or(is_bot) from marts.agg_user_daily group by 1"))
    planted = _truth(simulated, "select device_id, is_bot, bot_kind from 'visitors.parquet' where events > 0")
    bots = [device for device, is_bot, _ in planted if is_bot]
    people = [device for device, is_bot, _ in planted if not is_bot]
    assert {kind for _, is_bot, kind in planted if is_bot} >= {"crawler", "scraper", "monitor", "slow_scraper", "swarm"}
    assert sum(bool(flagged.get(bot)) for bot in bots) >= 0.95 * len(bots)
    assert sum(bool(flagged.get(person)) for person in people) < 0.01 * len(people)


def test_devices_are_their_owners(whole: Warehouse, simulated: Path) -> None:
    merged = set(whole.rows("select anonymous_id, customer_id from marts.dim_identities where is_merged"))
    known = "from 'identities.parquet' where known_events > 0"
    owned = set(_truth(simulated, f"select device_id, customer_id {known} and is_owner and not is_shared"))
    shared = set(_truth(simulated, f"select device_id {known} and is_shared group by all having count(*) > 1"))
    assert len(owned) > 50 and len(shared) > 0
    assert len(merged & owned) >= 0.95 * len(owned)
    strangers = set(_truth(simulated, f"select device_id, customer_id {known} and not is_owner")) | {
        pair for pair in merged if (pair[0],) in shared
    }
    assert len(merged & strangers) <= 0.01 * len(merged)
    listed = set(whole.rows("select distinct anonymous_id from marts.dim_identities where is_shared_device"))
    assert listed >= shared


def test_credits_are_those_of_the_planted_touches(whole: Warehouse, simulated: Path) -> None:
    planted: dict[object, list[tuple[datetime, bool]]] = {}
    touches = "select order_id, session_start, channel, is_own_session from 'attribution.parquet' where is_linked"
    untracked = set(whole.rows("select order_id from marts.fct_orders where purchase_events = 0"))
    for order, start, channel, is_own in _truth(simulated, f"{touches} order by order_id, position"):
        # where the purchase was not tracked nobody can tell in which session it was placed
        if (order,) not in untracked or not is_own:
            planted.setdefault(order, []).append((start, channel == "direct"))  # type: ignore[arg-type]
    ours: dict[object, dict[object, list[tuple[datetime, float, int]]]] = {}
    for order, model, start, credit, minor in whole.rows(
        "select order_id, attribution_model, touch_started_at, credit::double, credit_minor "
        "from marts.fct_attribution where touches > 0 order by order_id, touch_number"
    ):
        ours.setdefault(order, {}).setdefault(model, []).append((start, credit, minor))  # type: ignore[arg-type]
    compared = 0
    for order, models in ours.items():
        if (order,) in untracked:
            continue
        net = sum(minor for _, _, minor in models["last"])
        for model, shares in _shares_by_hand(planted[order]).items():
            assert [start for start, _, _ in models[model]] == [start for start, _ in shares]
            assert [credit for _, credit, _ in models[model]] == pytest.approx([share for _, share in shares], abs=2e-6)
            assert [m for _, _, m in models[model]] == pytest.approx([net * share for _, share in shares], abs=1)
            assert sum(minor for _, _, minor in models[model]) == net
            compared += 1
    assert compared > 100
    # tracked purchases that the order table does not know are no orders
    tracked = {order for (order,) in whole.rows("select order_id from marts.fct_orders where purchase_events > 0")}
    assert planted.keys() & tracked == ours.keys() & tracked


def _shares_by_hand(touches: list[tuple[datetime, bool]]) -> dict[str, list[tuple[datetime, float]]]:
    """Touches (start, whether direct) of one order, earliest first, and what each model gives them."""
    starts = [start for start, _ in touches]
    not_direct = [start for start, is_direct in touches if not is_direct]
    weights = [2 ** (-(starts[-1] - start).total_seconds() / 86400 / 7) for start in starts]
    return {
        "first": [(starts[0], 1)],
        "last": [(starts[-1], 1)],
        "last_non_direct": [((not_direct or starts)[-1], 1)],
        "linear": [(start, 1 / len(starts)) for start in starts],
        "time_decay": [(start, weight / sum(weights)) for start, weight in zip(starts, weights, strict=True)],
    }


def test_campaigns_cost_what_was_reported_last(whole: Warehouse, simulated: Path) -> None:
    columns = "utm_source, utm_medium, utm_campaign, cost, clicks, impressions"
    planted = _truth(simulated, f"select cost_date::date, {columns} from 'campaign_costs.parquet' order by all")
    ours = whole.rows(
        "select campaign_date, traffic_source, traffic_medium, utm_campaign, cost_minor, clicks, impressions "
        "from marts.agg_campaigns_daily where cost_minor is not null order by all"
    )
    assert len(planted) > 10
    assert ours == planted

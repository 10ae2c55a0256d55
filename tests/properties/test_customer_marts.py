"""A month's end in the RFM history is what customer_rfm said that day, whatever happened since."""

from __future__ import annotations

import random
from datetime import date, datetime
from pathlib import Path

import pytest

from ingestion.shops import Shop
from tests.properties.warehouse import Warehouse

Event = dict[str, object]
MONTH_END = date(2026, 1, 31)
NEWEST = date(2026, 2, 28)
RFM = (
    "shop_id, as_of, customer_id, last_order_date, recency_days, frequency, monetary_minor, currency, r_score, "
    "f_score, m_score, value_group, value_group_zh, segment, segment_zh"
)
MODELS = ("+customer_rfm", "+rfm_migrations", "+feat_customers")
SHOPS = {f"random_{seed}": seed for seed in range(3)}


def _shop(name: str) -> Shop:
    return Shop(name, "Asia/Shanghai", "CNY")


def _events(seed: int) -> list[Event]:
    """Orders of thirty customers from Christmas to February; half are refunded in part, in whole, or cancelled."""
    rng = random.Random(seed)
    events: list[Event] = []

    def add(name: str, minute: int, **more: object) -> None:
        stamp = datetime.fromtimestamp(1_766_620_800 + 60 * minute).astimezone()
        made = {"event_id": f"e{len(events)}", "event_name": name, "event_ts": stamp.isoformat()}
        events.append({**made, "device_id": f"d{rng.randrange(40)}", **more})

    def every_fifth_day(minute: int) -> int:
        """Fewer files to land."""
        return minute - minute // 1440 % 5 * 1440

    last_minute = 65 * 24 * 60
    for number in range(120):
        order, customer = f"o{number}", f"c{rng.randrange(30)}"
        minute, value = every_fifth_day(rng.randrange(last_minute)), rng.randrange(1, 300)
        bought: Event = {"order_id": order, "customer_id": customer, "item_id": "i", "price": 1, "quantity": 1}
        worth: Event = {"value": value} if rng.random() < 0.9 else {}
        add("purchase", minute, **bought, **worth)
        for _ in range(rng.choice([0, 0, 1, 2])):
            later = every_fifth_day(min(minute + rng.randrange(1, 40 * 24 * 60), last_minute))
            name = rng.choice(["refund", "refund", "cancel_order"])
            asked: Event = {"value": rng.randrange(1, 300)} if name == "refund" and rng.random() < 0.8 else {}
            add(name, later, order_id=order, device_id=None, **asked)
    # the month's last day is one that the shop's data speak of
    add("page_view", 37 * 24 * 60 + 60)
    return events


def _day(event: Event) -> date:
    """The shop's day, eight hours ahead of UTC."""
    moment = datetime.fromisoformat(str(event["event_ts"])).timestamp() + 8 * 3600
    return datetime.utcfromtimestamp(moment).date()


def _land(warehouse: Warehouse, first: date, last: date) -> None:
    for name, seed in SHOPS.items():
        by_day: dict[date, list[Event]] = {}
        for event in _events(seed):
            if first <= _day(event) <= last:
                by_day.setdefault(_day(event), []).append(event)
        for day, events in by_day.items():
            warehouse.land_events(_shop(name), day, events)


@pytest.fixture(scope="module")
def then_and_now(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[tuple[object, ...]], Warehouse]:
    """customer_rfm at the end of January, and the warehouse at the end of February."""
    warehouse = Warehouse(tmp_path_factory.mktemp("months"))
    _land(warehouse, date(2025, 12, 1), MONTH_END)
    warehouse.build(select=MODELS)
    then = warehouse.rows(f"select {RFM} from marts.customer_rfm order by all")
    first = date(2026, 2, 1)
    _land(warehouse, first, NEWEST)
    warehouse.build(first, NEWEST, select=MODELS)
    return then, warehouse


def test_the_past_stays_as_it_was(then_and_now: tuple[list[tuple[object, ...]], Warehouse]) -> None:
    then, warehouse = then_and_now
    assert {row[1] for row in then} == {MONTH_END}
    assert len(then) > 40
    history = f"select {RFM} from marts.customer_rfm_history where as_of = date '{MONTH_END}' order by all"
    assert warehouse.rows(history) == then
    assert warehouse.rows(f"select {RFM} from marts.customer_rfm_as_of(date '{MONTH_END}') order by all") == then
    # and today's orders do not say the same of January: half of them were taken back since
    ((changed,),) = warehouse.rows(
        "select count(*) from marts.fct_orders where status in ('cancelled', 'refunded', 'partially_refunded') "
        f"and order_date <= date '{MONTH_END}' and last_refunded_at > timestamp '{MONTH_END} 16:00:00'"
    )
    assert changed > 20


def test_the_newest_day_is_customer_rfm(then_and_now: tuple[list[tuple[object, ...]], Warehouse]) -> None:
    _, warehouse = then_and_now
    today = warehouse.rows(f"select {RFM} from marts.customer_rfm order by all")
    ((newest,),) = warehouse.rows("select max(as_of) from marts.customer_rfm")
    for relation in ("marts.customer_rfm_history", f"marts.customer_rfm_as_of(date '{newest}')"):
        rows = warehouse.rows(f"select {RFM} from {relation} where as_of = date '{newest}' order by all")
        assert rows == [row for row in today if row[1] == newest]


def test_migrations_hold_the_customers_of_both_ends(then_and_now: tuple[list[tuple[object, ...]], Warehouse]) -> None:
    _, warehouse = then_and_now
    sizes = {
        (shop, day): size
        for shop, day, size in warehouse.rows(
            "select shop_id, as_of, count(*) from marts.customer_rfm_history group by all"
        )
    }
    steps = warehouse.rows(
        "select shop_id, from_month, to_month, sum(customers) filter (from_group <> '(none)'), "
        "sum(customers) filter (to_group <> '(none)') from marts.rfm_migrations group by all"
    )
    assert len(steps) == len(sizes) - len(SHOPS)
    for shop, from_month, to_month, leaving, arriving in steps:
        assert (leaving, arriving) == (sizes[shop, from_month], sizes[shop, to_month])


def test_tables_of_another_run_agree(then_and_now: tuple[list[tuple[object, ...]], Warehouse], tmp_path: Path) -> None:
    """The features built in two runs are those of one: a refund in February wrote its own day and no other."""
    _, stepwise = then_and_now
    whole = Warehouse(tmp_path)
    _land(whole, date(2025, 12, 1), NEWEST)
    whole.build(select=MODELS)
    for table in ("feat_customer_days", "feat_as_of_dates", "feat_customers"):
        rows = whole.rows(f"select * from features.{table} order by all")
        assert rows
        assert stepwise.rows(f"select * from features.{table} order by all") == rows

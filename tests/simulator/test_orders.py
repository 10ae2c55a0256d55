"""The shop's tables, the tracked purchases and the order truth tell one story, to the cent."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.simulator.written_shop import Written, write


def _purchases(small: Written) -> list[dict[str, Any]]:
    """Purchase events with an order id, each event id once."""
    found = {event["id"]: event for _, event in small.events() if event.get("type") == "order" and "order" in event}
    return list(found.values())


def test_tables_hold_the_real_orders_and_their_money(small: Written) -> None:
    truth = small.truth("orders").set_index("order_id")
    table = small.table("orders")
    latest = table.groupby("no").last()
    assert set(latest.index) == set(truth.index[~truth["is_test"]])
    value = dict(zip(truth.index.tolist(), truth["value"].tolist(), strict=True))
    for order, row in latest.iterrows():
        assert Decimal(row["total"]) * 100 == value[str(order)]
        assert (row["state"] == "cancelled") == truth.at[order, "cancelled"] == (row["cancelled"] != "")
    refunds = Counter[str]()
    for order, amount in zip(small.table("refunds")["no"], small.table("refunds")["amount"], strict=True):
        refunds[order] += int(Decimal(amount) * 100)
    real = truth[~truth["is_test"]]
    assert refunds == {order: n for order, n in real["refunded"].items() if n}
    assert (real["refunded"] <= real["value"]).all()
    net = real.loc[~real["cancelled"], "value"].sum() - sum(refunds.values())
    assert small.summary["net_revenue"] == net > 0


def test_lines_add_up_to_their_order(small: Written) -> None:
    lines = small.table("order_items")
    total = Counter[str]()
    for order, price, quantity, discount in zip(
        lines["no"], lines["price"], lines["qty"], lines["discount"], strict=True
    ):
        total[order] += int((Decimal(price) * int(quantity) - Decimal(discount)) * 100)
    for order, row in small.table("orders").groupby("no").first().iterrows():
        assert Decimal(row["total"]) * 100 == total[str(order)] + Decimal(row["shipping"]) * 100
    assert (lines["discount"] != "0.00").any(), "coupons were used"
    assert (lines.groupby("no").size() > 1).any(), "some orders have several lines"


def test_purchase_events_agree_with_the_tables(small: Written) -> None:
    truth = small.truth("orders").set_index("order_id")
    for event in _purchases(small):
        order = truth.loc[event["order"]["id"]]
        assert order["tracked"]
        assert order["device_id"] == event["visitor"]
        assert order["customer_id"] == event.get("user", "")
        assert Decimal(str(event["order"]["total"])) * 100 == int(order["value"])
        items = sum(Decimal(str(i["price"])) * i["qty"] - Decimal(str(i.get("discount", 0))) for i in event["items"])
        assert items + Decimal(str(event["order"]["shipping"])) == Decimal(str(event["order"]["total"]))


def test_untracked_test_and_reloaded_orders(tmp_path: Path) -> None:
    shop = write(
        tmp_path, visitors=2500, days=25, untracked_share=0.2, test_order_share=0.1, reload_share=0.3, very_late_share=0
    )
    truth = shop.truth("orders").set_index("order_id")
    repeats = Counter(event["order"]["id"] for event in _purchases(shop))
    count = len(truth)
    assert count > 100
    assert 0.1 < (~truth["tracked"]).sum() / count < 0.3
    assert 0.03 < truth["is_test"].sum() / count < 0.2
    assert not set(truth.index[~truth["tracked"]]) & set(repeats)
    assert set(truth.index[truth["is_test"]]) & set(repeats)
    assert not set(truth.index[truth["is_test"]]) & set(shop.table("orders")["no"])
    assert 0.15 < sum(n == 2 for n in repeats.values()) / len(repeats) < 0.45
    assert max(repeats.values()) == 2


def test_refunds_and_cancellations_follow_their_orders(small: Written) -> None:
    placed = small.table("orders").groupby("no")["placed"].first()
    assert len(small.table("refunds")) > 5
    partial = small.table("refunds")["line"] != ""
    assert 0 < partial.sum() < len(partial)
    for order, at in zip(small.table("refunds")["no"], small.table("refunds")["at"], strict=True):
        assert at[:10] > placed[order][:10]
    server_side = [e for _, e in small.events() if e.get("type") in ("order_refund", "order_cancel")]
    assert {e["order"]["id"] for e in server_side} <= set(placed.index)
    assert not any("visitor" in e or "user" in e for e in server_side)


def test_accounts_exist_before_they_log_in(small: Written) -> None:
    registered = small.table("users").set_index("uid")["registered"]
    assert registered.index.is_unique
    for _, event in small.events():
        if "user" in event:
            assert event["user"] in registered.index
    made = {event["user"] for _, event in small.events() if event.get("type") == "register"}
    assert made and made < set(registered.index)


def test_products_change_price_and_events_show_the_price_of_the_day(small: Written) -> None:
    products = small.table("products")
    assert (products.groupby("sku").size() > 1).any()
    for _, versions in products.groupby("sku"):
        states = list(zip(versions["list_price"], versions["on_sale"], strict=True))
        assert all(before != after for before, after in pairwise(states))
    known = set(zip(products["sku"], products["list_price"].map(Decimal), strict=True))
    for _, event in small.events():
        for item in event.get("items", []):
            assert (item["sku"], Decimal(str(item["price"]))) in known

"""Writes the planted truth beside the logs: Parquet for people and bots, sessions and orders; JSON for counts."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ingestion.simulator import events as ev
from ingestion.simulator.clock import ShopClock
from ingestion.simulator.deliveries import CLEAN, FATES
from ingestion.simulator.orders import Orders
from ingestion.simulator.people import BOT_KINDS, Population, customer_id
from ingestion.simulator.segments import SEGMENTS

_NO_SEGMENT = ""


def visitor_truth(population: Population, visits: pd.DataFrame) -> pd.DataFrame:
    """One row per device that came: device_id, person, customer_id (the one they have or would get),
    segment, is_bot, bot_kind, visits (planted)."""
    devices, people = population.devices, population.people
    person = devices["person"].to_numpy()
    segment = np.append(people["segment"].to_numpy(), -1)[person]
    customers = customer_id(people["customer"].to_numpy())
    names = [*(segment.name for segment in SEGMENTS), _NO_SEGMENT]
    kinds = [*BOT_KINDS, ""]
    table = pd.DataFrame(
        {
            "device_id": devices["visitor"],
            "person": person,
            "customer_id": [customers[number] if number >= 0 else "" for number in person.tolist()],
            "segment": [names[number] for number in segment.tolist()],
            "is_bot": devices["bot_kind"].to_numpy() >= 0,
            "bot_kind": [kinds[number] for number in devices["bot_kind"].tolist()],
            "visits": np.bincount(visits["device"], minlength=len(devices)),
        }
    )
    return table[table["visits"] > 0].sort_values("device_id", ignore_index=True)


def session_truth(sessions: pd.DataFrame, population: Population) -> pd.DataFrame:
    """``truth.true_sessions`` with the device's name and whether it is a bot, times as timestamps (UTC)."""
    device = sessions["device"].to_numpy()
    table = sessions.drop(columns="device").assign(
        session_start=_timestamps(sessions["session_start"]),
        session_end=_timestamps(sessions["session_end"]),
        is_bot=population.devices["bot_kind"].to_numpy()[device] >= 0,
    )
    table.insert(0, "device_id", population.devices["visitor"].to_numpy()[device])
    return table.sort_values(["device_id", "session_start"], ignore_index=True)


def order_truth(orders: Orders, population: Population, visits: pd.DataFrame) -> pd.DataFrame:
    """One row per order, test orders included: order_id, customer_id (empty: guest), device_id,
    ordered_at, value, refunded, cancelled, cancelled_at, tracked, is_test; amounts in minor units."""
    table = orders.orders
    customers = customer_id(table["customer"].to_numpy())
    device = visits["device"].to_numpy()[table["visit"].to_numpy()]
    cancelled = table["cancelled_at"].to_numpy() >= 0
    return pd.DataFrame(
        {
            "order_id": table["order_id"],
            "customer_id": [c if k else "" for c, k in zip(customers, table["customer"] >= 0, strict=True)],
            "device_id": population.devices["visitor"].to_numpy()[device],
            "ordered_at": _timestamps(table["ts"]),
            "value": table["value"],
            "refunded": table["refunded"],
            "cancelled": cancelled,
            "cancelled_at": _timestamps(table["cancelled_at"]).where(cancelled),
            "tracked": table["tracked"],
            "is_test": table["is_test"],
        }
    ).sort_values("order_id", ignore_index=True)


def delivery_truth(clock: ShopClock, deliveries: pd.DataFrame) -> pd.DataFrame:
    """Lines by arrival day and fate: arrival_date (ISO text), fate, lines."""
    counts = deliveries.groupby(["file_day", "fate"]).size()
    return pd.DataFrame(
        {
            "arrival_date": [clock.date_of(day).isoformat() for day, _ in counts.index],
            "fate": [FATES[fate] for _, fate in counts.index],
            "lines": counts.to_numpy(),
        }
    )


def count_truth(
    events: pd.DataFrame, deliveries: pd.DataFrame, sessions: pd.DataFrame, orders: Orders
) -> dict[str, object]:
    """Totals that tests check; amounts in minor units.

    ``events_by_name`` counts the unique, clean, in-time events by contract name. Orders and money are
    those of the shop's table: without test orders. ``net_revenue`` is the worth of the orders that
    were not cancelled, less their refunds.
    """
    clean = deliveries.loc[deliveries["fate"] == CLEAN, "event"].to_numpy()
    by_kind = np.bincount(events["kind"].to_numpy()[clean], minlength=len(ev.KINDS))
    by_fate = np.bincount(deliveries["fate"].to_numpy(), minlength=len(FATES))
    table = orders.orders
    real = table[~table["is_test"]]
    cancelled = real["cancelled_at"] >= 0
    seen = np.unique(deliveries["event"].to_numpy())
    return {
        "lines_written": len(deliveries),
        "lines_by_fate": {name: int(lines) for name, lines in zip(FATES, by_fate, strict=True)},
        "events_planted": len(events),
        "events_not_arrived": len(events) - len(seen),
        "events_by_name": {name: int(n) for (_, name), n in zip(ev.KINDS, by_kind, strict=True)},
        "sessions": len(sessions),
        "orders": len(real),
        "orders_cancelled": int(cancelled.sum()),
        "orders_untracked": int((~real["tracked"]).sum()),
        "test_orders": int(table["is_test"].sum()),
        "guest_orders": int((real["customer"] < 0).sum()),
        "refunds": len(orders.refunds),
        "gross_revenue": int(real["value"].sum()),
        "cancelled_revenue": int(real.loc[cancelled, "value"].sum()),
        "refunded": int(real["refunded"].sum()),
        "net_revenue": int(real.loc[~cancelled, "value"].sum() - real["refunded"].sum()),
    }


def write_truth(folder: Path, tables: dict[str, pd.DataFrame], summary: dict[str, object]) -> None:
    """Write ``<name>.parquet`` for each table and ``summary.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, table in tables.items():
            connection.register("planted", table)
            connection.table("planted").write_parquet(str(folder / f"{name}.parquet"))
            connection.unregister("planted")
    text = json.dumps(summary, ensure_ascii=False, indent=2)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")


def _timestamps(instants: pd.Series) -> pd.Series:
    return pd.Series(instants.to_numpy().astype("datetime64[us]"), index=instants.index)

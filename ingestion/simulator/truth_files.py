"""Writes the planted truth beside the logs, as Parquet, and its totals as ``summary.json``.

One file per table; instants are UTC timestamps, amounts whole minor units, unknown texts empty in the
four tables of this module and null in the others:

- ``visitors``: devices that came, human or bot (here).
- ``sessions``: true sessions with their source and person (here).
- ``orders``: orders with money, discount, payment, person (here).
- ``deliveries``: lines by arrival day and fate (here).
- ``identities``, ``people``: who owns and uses which device, and what people are like (``identity_truth``).
- ``attribution``: sessions before each order (``attribution_truth``).
- ``customer_hazard``, ``session_intent``: what the process itself knows of who stays away and who buys
  (``hazard_truth``, ``intent_truth``).
- ``path_transitions``, ``search_terms``, ``campaign_costs``: planted behaviour (``behaviour_truth``).
- ``products``, ``item_affinities``: families, days on sale, what belongs together (``item_truth``).
- ``seasons``: the interest in each category on each day (``seasons``).
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ingestion.simulator import events as ev
from ingestion.simulator.clock import ShopClock
from ingestion.simulator.deliveries import CLEAN, FATES
from ingestion.simulator.devices import BOT_KINDS
from ingestion.simulator.discounts import list_coupons
from ingestion.simulator.orders import Orders
from ingestion.simulator.people import PAYMENT_METHODS, Population, customer_id
from ingestion.simulator.segments import SEGMENTS
from ingestion.simulator.traffic import SOURCES, Campaign

_NO_SEGMENT = ""


def visitor_truth(population: Population, visits: pd.DataFrame, arrived: pd.DataFrame) -> pd.DataFrame:
    """One row per device that came: device_id, person (the owner; -1 for bots and public terminals),
    customer_id (the one they have or would get), segment, is_bot, bot_kind, is_shared, visits (planted),
    events (that arrived clean and in time: 0 means no platform can know of the device)."""
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
            "is_shared": devices["number"].to_numpy() == 2,
            "visits": np.bincount(visits["device"], minlength=len(devices)),
            "events": np.bincount(arrived["device"], minlength=len(devices)),
        }
    )
    return table[table["visits"] > 0].sort_values("device_id", ignore_index=True)


def session_truth(
    sessions: pd.DataFrame, population: Population, campaigns: tuple[Campaign, ...], visits: pd.DataFrame
) -> pd.DataFrame:
    """``truth.true_sessions`` with names and timestamps, ordered by device_id and session_start.

    device_id, session_start, session_end, events, page_views, over_cap_events, is_bot; person (-1 for
    bots) of the first event, customer_id (the last one named in the session); channel, utm_source,
    utm_medium, utm_campaign of the first event that a browser sent; visits (above 1 where planted
    visits met by chance, perhaps from several sources).
    """
    device, person = sessions["device"].to_numpy(), visits["person"].to_numpy()[sessions["visit"].to_numpy()]
    names = np.array([*customer_id(np.arange(len(population.people))), ""], dtype=object)
    table = sessions[["events", "page_views", "over_cap_events"]].assign(
        is_bot=population.devices["bot_kind"].to_numpy()[device] >= 0,
        person=person,
        customer_id=pd.Series(names[sessions["customer"].to_numpy()], dtype="str"),
        **source_names(sessions["source_visit"].to_numpy(), campaigns, visits),
        visits=sessions["visits"],
    )
    table.insert(0, "session_end", timestamps(sessions["session_end"]))
    table.insert(0, "session_start", timestamps(sessions["session_start"]))
    table.insert(0, "device_id", population.devices["visitor"].to_numpy()[device])
    return table.sort_values(["device_id", "session_start"], ignore_index=True)


def source_names(visit: np.ndarray, campaigns: tuple[Campaign, ...], visits: pd.DataFrame) -> dict[str, pd.Series]:
    """channel, utm_source, utm_medium and utm_campaign of visits (-1: no visit), empty where there is none."""
    source = np.append(visits["source"].to_numpy(), -1)[visit]
    campaign = np.append(visits["campaign"].to_numpy(), -1)[visit]
    words = {
        "channel": [one.channel for one in SOURCES],
        "utm_source": [one.utm_source or "" for one in SOURCES],
        "utm_medium": [one.utm_medium or "" for one in SOURCES],
    }
    named = {name: np.array([*some, ""], dtype=object)[source] for name, some in words.items()}
    named["utm_campaign"] = np.array([*(one.name for one in campaigns), ""], dtype=object)[campaign]
    return {name: pd.Series(values, dtype="str") for name, values in named.items()}


def order_truth(
    orders: Orders, population: Population, campaigns: tuple[Campaign, ...], visits: pd.DataFrame
) -> pd.DataFrame:
    """One row per order, test orders included: order_id, customer_id (empty: guest), device_id, person,
    ordered_at, value, discount, refunded, cancelled, cancelled_at, coupon, payment_method, tracked,
    server_side, is_test; amounts in minor units."""
    table = orders.orders
    customers = customer_id(table["customer"].to_numpy())
    visit = table["visit"].to_numpy()
    cancelled = table["cancelled_at"].to_numpy() >= 0
    codes = np.array([*(coupon.code for coupon in list_coupons(campaigns)), ""], dtype=object)
    return pd.DataFrame(
        {
            "order_id": table["order_id"],
            "customer_id": [c if k else "" for c, k in zip(customers, table["customer"] >= 0, strict=True)],
            "device_id": population.devices["visitor"].to_numpy()[visits["device"].to_numpy()[visit]],
            "person": visits["person"].to_numpy()[visit],
            "ordered_at": timestamps(table["ts"]),
            "value": table["value"],
            "discount": table["discount"],
            "refunded": table["refunded"],
            "cancelled": cancelled,
            "cancelled_at": timestamps(table["cancelled_at"]).where(cancelled),
            "coupon": pd.Series(codes[table["coupon"].to_numpy()], dtype="str"),
            "payment_method": [PAYMENT_METHODS[number] for number in table["pay"].tolist()],
            "tracked": table["tracked"],
            "server_side": table["tracked"] & table["server_side"],
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


def timestamps(instants: pd.Series) -> pd.Series:
    """Instants (microseconds, UTC) as timestamps."""
    return pd.Series(instants.to_numpy().astype("datetime64[us]"), index=instants.index)

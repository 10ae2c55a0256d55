"""The shop's own tables as CSV: every row with the time it was last changed, in UTC.

A table holds all versions of its rows (a product has one per price, an order one per status), so a
file of one day's changes is what a nightly export would send.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator import events as ev
from ingestion.simulator.catalogue import CATEGORIES, Catalogue
from ingestion.simulator.clock import DAY, SECOND, ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.discounts import list_coupons
from ingestion.simulator.log_text import money_text
from ingestion.simulator.orders import REFUND_REASONS, Orders
from ingestion.simulator.people import PAYMENT_METHODS, Population, customer_id, gender_name
from ingestion.simulator.places import CITIES, COUNTRY
from ingestion.simulator.traffic import SOURCES, Campaign

TABLE_NAMES = ("users", "products", "orders", "order_items", "payments", "refunds", "campaign_costs")
_UPDATED = "updated"
_FAILED_SHARE = 0.06  # orders whose first attempt to pay fails


def build_tables(
    config: SimulatorConfig,
    clock: ShopClock,
    catalogue: Catalogue,
    population: Population,
    campaigns: tuple[Campaign, ...],
    visits: pd.DataFrame,
    events: pd.DataFrame,
    orders: Orders,
    costs: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """The tables of ``TABLE_NAMES``, each ordered by ``updated``.

    ``updated`` is an instant here and becomes text when written. Test orders are in none of them.
    """
    end = clock.midnight(config.days)
    kept = orders.orders[~orders.orders["is_test"]]
    lines = orders.lines[orders.lines["order"].isin(kept.index)]
    tables = {
        "users": _users(clock, population, visits, events),
        "products": _products(config, catalogue),
        "orders": _orders(config, campaigns, population, visits, orders, kept, end),
        "order_items": _order_items(config, catalogue, orders, lines),
        "payments": _payments(config, kept, end),
        "refunds": _refunds(config, orders),
        "campaign_costs": _campaign_costs(config, clock, campaigns, costs),
    }
    return {name: table.sort_values(_UPDATED, kind="stable", ignore_index=True) for name, table in tables.items()}


def write_tables(clock: ShopClock, folder: Path, tables: dict[str, pd.DataFrame], per_day: bool) -> list[Path]:
    """Write each table as ``<name>.csv``, or with ``per_day`` as ``<name>-YYYY-MM-DD.csv`` by day of change."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in tables.items():
        for stale in (folder / f"{name}.csv", *folder.glob(f"{name}-????-??-??.csv")):
            stale.unlink(missing_ok=True)
        text = table.assign(updated=_utc_text(table[_UPDATED].to_numpy()))
        if not per_day:
            paths.append(folder / f"{name}.csv")
            text.to_csv(paths[-1], index=False, lineterminator="\n")
            continue
        for day, rows in text.groupby(clock.day(table[_UPDATED].to_numpy())):
            paths.append(folder / f"{name}-{clock.date_of(int(str(day))).isoformat()}.csv")
            rows.to_csv(paths[-1], index=False, lineterminator="\n")
    return paths


def _users(clock: ShopClock, population: Population, visits: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Accounts: those older than the history appear with it on its first day, the others as they are made."""
    people = population.people
    made = events[events["kind"] == ev.REGISTER]
    visit = made["visit"].to_numpy()
    registered = people["registered_at"].to_numpy().copy()
    channel = np.full(len(people), -1)
    person = visits["person"].to_numpy()[visit]
    registered[person] = made["ts"].to_numpy()
    channel[person] = visits["source"].to_numpy()[visit]
    row = np.flatnonzero(registered >= 0)
    chosen = people.take(row)
    home = [CITIES[city] for city in chosen["city"].tolist()]
    return pd.DataFrame(
        {
            "uid": customer_id(chosen["customer"].to_numpy()),
            "registered": _utc_text(registered[row]),
            "sex": gender_name(chosen["gender"].to_numpy()),
            "born": chosen["birth_year"].to_numpy(),
            "country": COUNTRY,
            "province": [region for region, _, _ in home],
            "city": [city for _, city, _ in home],
            "first_channel": [SOURCES[number].channel if number >= 0 else "" for number in channel[row].tolist()],
            _UPDATED: np.maximum(registered[row], clock.midnight(0)),
        }
    )


def _products(config: SimulatorConfig, catalogue: Catalogue) -> pd.DataFrame:
    versions = catalogue.versions
    return _item_columns(catalogue, versions["product"].to_numpy()).assign(
        list_price=_money(config, versions["price"]),
        cost=_money(config, versions["cost"]),
        cur=config.currency,
        on_sale=np.where(versions["on_sale"].to_numpy(), "yes", "no"),
        updated=versions["since"].to_numpy(),
    )


def _item_columns(catalogue: Catalogue, product: NDArray[np.int64]) -> pd.DataFrame:
    chosen = catalogue.products.take(product).reset_index(drop=True)
    return pd.DataFrame(
        {
            "sku": chosen["sku"],
            "title": chosen["name"],
            "variant": chosen["variant"],
            "path": [CATEGORIES[number][0] for number in chosen["category"].tolist()],
            "brand": chosen["brand"],
        }
    )


def _orders(
    config: SimulatorConfig,
    campaigns: tuple[Campaign, ...],
    population: Population,
    visits: pd.DataFrame,
    orders: Orders,
    kept: pd.DataFrame,
    end: int,
) -> pd.DataFrame:
    visit = visits.take(kept["visit"].to_numpy())
    customers = customer_id(kept["customer"].to_numpy())
    home = [CITIES[city] for city in population.people["city"].to_numpy()[visit["person"].to_numpy()].tolist()]
    named = [campaign.name for campaign in campaigns]
    coupons = [coupon.code for coupon in list_coupons(campaigns)]
    facts = pd.DataFrame(
        {
            "no": kept["order_id"].to_numpy(),
            "uid": [name if known else "" for name, known in zip(customers, kept["customer"] >= 0, strict=True)],
            "visitor": population.devices["visitor"].to_numpy()[visit["device"].to_numpy()],
            "placed": _utc_text(kept["ts"].to_numpy()),
            "state": "",
            "cancelled": "",
            "total": _money(config, kept["value"]),
            "discount": _money(config, kept["discount"]),
            "tax": _money(config, kept["tax"]),
            "shipping": _money(config, kept["shipping"]),
            "cur": config.currency,
            "coupon": [coupons[number] if number >= 0 else "" for number in kept["coupon"].tolist()],
            "pay": [PAYMENT_METHODS[number] for number in kept["pay"].tolist()],
            "channel": [SOURCES[number].channel for number in visit["source"].tolist()],
            "campaign": [named[number] if number >= 0 else "" for number in visit["campaign"].tolist()],
            "country": COUNTRY,
            "province": [region for region, _, _ in home],
            "city": [city for _, city, _ in home],
            _UPDATED: kept["ts"].to_numpy(),
        }
    )
    rng = config.rng("order states")
    ts, cancelled = kept["ts"].to_numpy(), kept["cancelled_at"].to_numpy()
    whole = orders.refunds[orders.refunds["line"] < 0]
    back = pd.Series(end, index=kept.index)
    back.loc[whole["order"].to_numpy()] = whole["ts"].to_numpy()
    ends = np.where(cancelled >= 0, cancelled, back.to_numpy())
    count = len(kept)
    paid = _paid_at(config, kept)
    sent = ts + rng.integers(DAY * 5 // 6, 2 * DAY, count)
    done = sent + rng.integers(2 * DAY, 6 * DAY, count)
    stages = [facts.assign(state="new")]
    for state, when in (("paid", paid), ("sent", sent), ("done", done)):
        stages.append(facts.assign(state=state, updated=when)[when < ends])
    is_back = (back.to_numpy() < end) & (cancelled < 0)
    stages.append(facts.assign(state="refunded", updated=back.to_numpy())[is_back])
    gone = facts.assign(state="cancelled", updated=cancelled)[cancelled >= 0]
    stages.append(gone.assign(cancelled=_utc_text(cancelled[cancelled >= 0])))
    return pd.concat(stages, ignore_index=True)


def _order_items(config: SimulatorConfig, catalogue: Catalogue, orders: Orders, lines: pd.DataFrame) -> pd.DataFrame:
    order = lines["order"].to_numpy()
    table = _item_columns(catalogue, lines["product"].to_numpy()).assign(
        price=_money(config, lines["price"]),
        qty=lines["quantity"].to_numpy(),
        discount=_money(config, lines["discount"]),
        cur=config.currency,
        updated=orders.orders["ts"].to_numpy()[order],
    )
    table.insert(0, "line", lines["line"].to_numpy())
    table.insert(0, "no", orders.orders["order_id"].to_numpy()[order])
    return table


def _paid_at(config: SimulatorConfig, kept: pd.DataFrame) -> NDArray[np.int64]:
    """When each order is paid: before any of them can be cancelled."""
    paid: NDArray[np.int64] = kept["ts"].to_numpy() + config.rng("paid").integers(20 * SECOND, 300 * SECOND, len(kept))
    return paid


def _payments(config: SimulatorConfig, kept: pd.DataFrame, end: int) -> pd.DataFrame:
    """The payment of every order, and a failed attempt before some."""
    rng = config.rng("payments")
    orders = kept.assign(at=_paid_at(config, kept), outcome="success")
    failed = orders.assign(at=orders["ts"] + (orders["at"] - orders["ts"]) // 2, outcome="failed")
    attempts = pd.concat([failed[rng.random(len(kept)) < _FAILED_SHARE], orders])
    attempts = attempts[attempts["at"] < end].sort_values(["at", "order_id"], kind="stable", ignore_index=True)
    return pd.DataFrame(
        {
            "id": [f"PY{number:07d}" for number in range(1, len(attempts) + 1)],
            "no": attempts["order_id"],
            "at": _utc_text(attempts["at"].to_numpy()),
            "pay": [PAYMENT_METHODS[number] for number in attempts["pay"].tolist()],
            "outcome": attempts["outcome"],
            "amount": _money(config, attempts["value"]),
            "cur": config.currency,
            _UPDATED: attempts["at"],
        }
    )


def _campaign_costs(
    config: SimulatorConfig, clock: ShopClock, campaigns: tuple[Campaign, ...], costs: pd.DataFrame
) -> pd.DataFrame:
    sources = [SOURCES[number] for number in costs["source"].tolist()]
    return pd.DataFrame(
        {
            "day": [clock.date_of(day).isoformat() for day in costs["day"].tolist()],
            "source": [one.utm_source for one in sources],
            "medium": [one.utm_medium for one in sources],
            "campaign": [campaigns[number].name for number in costs["campaign"].tolist()],
            "spend": _money(config, costs["cost"]),
            "cur": config.currency,
            "clicks": costs["clicks"],
            "shows": costs["impressions"],
            _UPDATED: costs["updated"],
        }
    )


def _refunds(config: SimulatorConfig, orders: Orders) -> pd.DataFrame:
    refunds = orders.refunds
    none = refunds["line"].to_numpy() < 0
    return pd.DataFrame(
        {
            "id": [f"RF{number:07d}" for number in range(1, len(refunds) + 1)],
            "no": orders.orders["order_id"].to_numpy()[refunds["order"].to_numpy()],
            "line": pd.Series(refunds["line"], dtype="Int64").mask(none),
            "at": _utc_text(refunds["ts"].to_numpy()),
            "qty": pd.Series(refunds["quantity"], dtype="Int64").mask(none),
            "amount": _money(config, refunds["amount"]),
            "cur": config.currency,
            "reason": [REFUND_REASONS[number] for number in refunds["reason"].tolist()],
            _UPDATED: refunds["ts"].to_numpy(),
        }
    )


def _money(config: SimulatorConfig, minor: pd.Series) -> list[str]:
    return [money_text(amount, config.exponent) for amount in minor.tolist()]


def _utc_text(instants: NDArray[np.int64]) -> NDArray[np.str_]:
    """Instants as ISO 8601 with milliseconds and Z."""
    return np.char.add(np.datetime_as_string(instants.astype("datetime64[us]"), unit="ms"), "Z")

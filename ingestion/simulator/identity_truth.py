"""The truth about devices and people: ``identities.parquet`` and ``people.parquet``.

``identities``: one row per device and customer that was logged in on it, and one with customer_id null
for a device on which nobody was; only devices with events that arrived clean and in time.

- device_id; is_bot; is_shared (planted: 2 to 6 people use it in turn)
- person, owner_customer_id: who owns the device, null for bots and for public terminals; the
  customer id is the one they have or would get
- customer_id: a customer that events on the device name; is_owner: whether it is the owner's
- device_first_seen, device_last_seen, device_events: over all its events
- first_login, last_login: first and last event that names the customer; known_events: how many do

The pairs to find are those of devices that are not shared, with customer_id given; events from
before first_login are the ones to claim in retrospect. A shared device belongs to none of its customers.

``people``: one row per person who came: person, customer_id, segment, discount_lover, payment_method
(the preferred one, used with ``payment_fidelity``), favourite_category, region, city, has_account (at
the end), devices and shared_devices used, visits (planted).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.simulator.catalogue import CATEGORIES
from ingestion.simulator.people import PAYMENT_METHODS, Population, customer_id
from ingestion.simulator.places import CITIES
from ingestion.simulator.segments import SEGMENTS
from ingestion.simulator.truth_files import timestamps


def identity_truth(population: Population, arrived: pd.DataFrame) -> pd.DataFrame:
    """The table ``identities``, ordered by device_id and customer_id; ``arrived`` as ``truth.arrived_events``."""
    devices = population.devices
    seen = arrived.groupby("device")["ts"].agg(["min", "max", "size"]).reset_index()
    named = arrived[arrived["customer"] >= 0].groupby(["device", "customer"])["ts"].agg(["min", "max", "size"])
    table = seen.merge(named.reset_index(), on="device", how="left", suffixes=("_device", "_customer"))
    device, customer = table["device"].to_numpy(), table["customer"].fillna(-1).astype(np.int64).to_numpy()
    person = devices["person"].to_numpy()[device]
    owner = np.append(population.people["customer"].to_numpy(), -1)[person]
    return pd.DataFrame(
        {
            "device_id": devices["visitor"].to_numpy()[device],
            "is_bot": devices["bot_kind"].to_numpy()[device] >= 0,
            "is_shared": devices["number"].to_numpy()[device] == 2,
            "person": pd.Series(person, dtype="Int64").mask(person < 0),
            "owner_customer_id": _names(population, owner),
            "customer_id": _names(population, customer),
            "is_owner": (customer >= 0) & (customer == owner),
            "device_first_seen": timestamps(table["min_device"]),
            "device_last_seen": timestamps(table["max_device"]),
            "device_events": table["size_device"],
            "first_login": _maybe_timestamps(table["min_customer"]),
            "last_login": _maybe_timestamps(table["max_customer"]),
            "known_events": table["size_customer"].fillna(0).astype(np.int64),
        }
    ).sort_values(["device_id", "customer_id"], ignore_index=True)


def people_truth(population: Population, visits: pd.DataFrame, registered: pd.Series) -> pd.DataFrame:
    """The table ``people``, ordered by person; ``registered`` holds the customer ids that have an account."""
    people = population.people
    human = visits[visits["person"] >= 0]
    used = human[["person", "device"]].drop_duplicates()
    shared = used[population.devices["number"].to_numpy()[used["device"].to_numpy()] == 2]
    city = people["city"].tolist()
    names = customer_id(people["customer"].to_numpy())
    table = pd.DataFrame(
        {
            "person": np.arange(len(people)),
            "customer_id": names,
            "segment": [SEGMENTS[number].name for number in people["segment"].tolist()],
            "discount_lover": people["discount_lover"],
            "payment_method": [PAYMENT_METHODS[number] for number in people["pays_with"].tolist()],
            "favourite_category": [CATEGORIES[number][0] for number in people["favourite"].tolist()],
            "region": [CITIES[number][0] for number in city],
            "city": [CITIES[number][1] for number in city],
            "has_account": pd.Series(names).isin(set(registered)),
            "devices": np.bincount(used["person"], minlength=len(people)),
            "shared_devices": np.bincount(shared["person"], minlength=len(people)),
            "visits": np.bincount(human["person"], minlength=len(people)),
        }
    )
    return table[table["visits"] > 0].reset_index(drop=True)


def _names(population: Population, customer: np.ndarray) -> pd.Series:
    """Customer ids, null for -1."""
    names = np.array([*customer_id(np.arange(len(population.people))), None], dtype=object)
    return pd.Series(names[customer], dtype="str")


def _maybe_timestamps(instants: pd.Series) -> pd.Series:
    return timestamps(instants.fillna(0).astype(np.int64)).where(instants.notna())

"""The truth about what led to orders: ``attribution.parquet``.

One row per order and true session of the same person that began in the 30 days up to the order (the
order's own session included), in order of start; only sessions of events that arrived clean and in time.

- order_id; position (1 the earliest), touches (how many the order has)
- session_start, device_id: the session, as in ``sessions``
- channel, utm_source, utm_medium, utm_campaign: its source, null where there is none
- is_own_session: the session in which the order was placed
- is_linked: whether log-ins that arrived (at any time of the history) tell that the session is the
  buyer's: it is on the order's own device, or buyer and device are known as the same customer; on a
  shared device only the session's own log-in tells. A platform can credit these sessions and no others
- device_is_shared; visits: above 1 where planted visits, perhaps of several sources, met in the session

Test orders are included, orders without any such session are not.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.simulator.clock import DAY
from ingestion.simulator.orders import Orders
from ingestion.simulator.people import Population
from ingestion.simulator.traffic import Campaign
from ingestion.simulator.truth import SESSION_GAP
from ingestion.simulator.truth_files import source_names, timestamps

LOOK_BACK = 30 * DAY


def attribution_truth(
    orders: Orders,
    sessions: pd.DataFrame,
    arrived: pd.DataFrame,
    population: Population,
    campaigns: tuple[Campaign, ...],
    visits: pd.DataFrame,
) -> pd.DataFrame:
    """The table ``attribution``; ``sessions`` and ``arrived`` as made by ``truth``."""
    visit = orders.orders["visit"].to_numpy()
    bought = pd.DataFrame(
        {
            "order_id": orders.orders["order_id"],
            "ordered": orders.orders["ts"],
            "buyer": orders.orders["customer"],
            "bought_on": visits["device"].to_numpy()[visit],
            "person": visits["person"].to_numpy()[visit],
        }
    )
    theirs = sessions.assign(person=visits["person"].to_numpy()[sessions["visit"].to_numpy()])
    table = bought.merge(theirs[theirs["person"] >= 0], on="person")
    table = table[
        (table["session_start"] <= table["ordered"]) & (table["ordered"] - table["session_start"] <= LOOK_BACK)
    ]
    table = table.sort_values(["order_id", "session_start", "device"], kind="stable", ignore_index=True)
    # Where the purchase event itself did not come in, the session ended before it.
    own = (table["device"] == table["bought_on"]) & (table["ordered"] <= table["session_end"] + SESSION_GAP)
    shared = population.devices["number"].to_numpy()[table["device"].to_numpy()] == 2
    named = {name: words.mask(words == "") for name, words in _sources(table, campaigns, visits).items()}
    return pd.DataFrame(
        {
            "order_id": table["order_id"],
            "position": table.groupby("order_id").cumcount() + 1,
            "touches": table.groupby("order_id")["order_id"].transform("size"),
            "session_start": timestamps(table["session_start"]),
            "device_id": population.devices["visitor"].to_numpy()[table["device"].to_numpy()],
            **named,
            "is_own_session": own,
            "is_linked": own | _linked(table, arrived, population, shared),
            "device_is_shared": shared,
            "visits": table["visits"],
        }
    )


def _sources(table: pd.DataFrame, campaigns: tuple[Campaign, ...], visits: pd.DataFrame) -> dict[str, pd.Series]:
    return source_names(table["source_visit"].to_numpy(), campaigns, visits)


def _linked(table: pd.DataFrame, arrived: pd.DataFrame, population: Population, shared: np.ndarray) -> pd.Series:
    """Whether log-ins connect each row's session with the order's buyer."""
    people = len(population.people)
    customer = population.people["customer"].to_numpy()[table["person"].to_numpy()]
    named = arrived[arrived["customer"] >= 0]
    pairs = np.unique(named["device"].to_numpy() * people + named["customer"].to_numpy())
    device, bought_on = table["device"].to_numpy(), table["bought_on"].to_numpy()
    bought_on_shared = population.devices["number"].to_numpy()[bought_on] == 2
    known_buyer = (table["buyer"].to_numpy() >= 0) | (~bought_on_shared & np.isin(bought_on * people + customer, pairs))
    by_device = (device == bought_on) | (known_buyer & np.isin(device * people + customer, pairs))
    by_session = known_buyer & (table["customer"].to_numpy() == customer)
    return pd.Series(np.where(shared, by_session, by_device))

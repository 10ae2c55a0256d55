"""The truth about what visits are out for: ``session_intent.parquet``.

One row per true session of a person, keyed as ``sessions``:

- device_id, session_start; person, customer_id (the one they have or would get)
- begins_visit: false where a pause, or events that did not arrive, had an earlier session begin the visit
- intent (about 0 with a spread of about 1), interest: of the visit, drawn before anything happened in it
- purchase_probability: of that visit, at its start, to end in an order of the shop's table; has_order:
  whether it did
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.simulator.orders import Orders
from ingestion.simulator.people import Population, customer_id
from ingestion.simulator.purchase_chance import PurchaseChances
from ingestion.simulator.truth_files import timestamps


def intent_truth(
    population: Population, chances: PurchaseChances, visits: pd.DataFrame, sessions: pd.DataFrame, orders: Orders
) -> pd.DataFrame:
    """The table ``session_intent``, ordered by device_id and session_start; ``sessions`` by ``truth``."""
    sessions = sessions[visits["person"].to_numpy()[sessions["visit"].to_numpy()] >= 0]
    visit = sessions["visit"].to_numpy()
    its = visits.take(visit)
    person, interest, intent = (its[name].to_numpy() for name in ("person", "interest", "intent"))
    names = np.array(customer_id(population.people["customer"].to_numpy()), dtype=object)
    bought = np.zeros(len(visits), dtype=bool)
    bought[orders.orders["visit"].to_numpy()[~orders.orders["is_test"].to_numpy()]] = True
    earliest = sessions["session_start"].groupby(visit).transform("min").to_numpy()
    table = pd.DataFrame(
        {
            "device_id": population.devices["visitor"].to_numpy()[sessions["device"].to_numpy()],
            "session_start": timestamps(sessions["session_start"]).to_numpy(),
            "person": person,
            "customer_id": pd.Series(names[person], dtype="str"),
            "begins_visit": sessions["session_start"].to_numpy() == earliest,
            "intent": intent,
            "interest": interest,
            "purchase_probability": chances.of_visit(its["segment"].to_numpy(), intent, interest).round(9),
            "has_order": bought[visit],
        }
    )
    return table.sort_values(["device_id", "session_start"], ignore_index=True)

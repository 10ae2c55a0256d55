"""Who is logged in when: accounts made on the way, log-ins, and cookies that remember a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.config import SimulatorConfig

_REMEMBERED, _EARLY_LOGIN, _CHECKOUT_LOGIN = 0.10, 0.25, 0.92
_EARLY_SIGN_UP, _CHECKOUT_SIGN_UP = 0.03, 0.75

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LogIns:
    """One flag per visit: what happens to the visitor's identity during it (at most one of them).

    After any of them the visit's later events carry the customer id. Masks ``*_early`` happen after
    the landing page, ``*_checkout`` just before check-out, ``remembered`` from the first event.
    """

    remembered: Mask
    login_early: Mask
    login_checkout: Mask
    sign_up_early: Mask
    sign_up_checkout: Mask

    @property
    def sign_up(self) -> Mask:
        """Visits in which an account is made."""
        return self.sign_up_early | self.sign_up_checkout


def plan_log_ins(config: SimulatorConfig, visits: pd.DataFrame, registered_before: Mask, checkout: Mask) -> LogIns:
    """Decide log-ins and sign-ups of people's visits, which must be in order of start.

    A person signs up at most once, in the first visit that wants it, and can log in only in later visits.
    """
    rng = config.rng("accounts")
    person = visits["person"].to_numpy()
    count = len(visits)
    early, late, remember, log = (rng.random(count) for _ in range(4))
    wants = ~registered_before[person] & ((early < _EARLY_SIGN_UP) | (checkout & (late < _CHECKOUT_SIGN_UP)))
    who, first = np.unique(person[wants], return_index=True)
    sign_up_row = np.full(len(registered_before), count, dtype=np.int64)
    sign_up_row[who] = np.flatnonzero(wants)[first]
    row = np.arange(count)
    sign_up = row == sign_up_row[person]
    member = registered_before[person] | (row > sign_up_row[person])
    remembered = member & (remember < _REMEMBERED)
    login_early = member & ~remembered & (log < _EARLY_LOGIN)
    login_checkout = member & ~remembered & ~login_early & checkout & (late < _CHECKOUT_LOGIN)
    return LogIns(remembered, login_early, login_checkout, sign_up & ~checkout, sign_up & checkout)

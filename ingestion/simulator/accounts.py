"""Who is logged in when: accounts made on the way, log-ins, log-outs, cookies that remember a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.clock import DAY
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.intent import early_login_chance
from ingestion.simulator.people import Population

_REMEMBERED, _CHECKOUT_LOGIN = 0.15, 0.92
_EARLY_SIGN_UP, _CHECKOUT_SIGN_UP = 0.03, 0.75
# On a shared device people say who they are, and most of them log out when they leave.
_SHARED_LOGIN, _SHARED_LOG_OUT = 0.8, 0.6
_ANONYMOUS_DAYS = (2, 14)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LogIns:
    """One flag per visit: what happens to the visitor's identity during it.

    After ``remembered``, a log-in or a sign-up (at most one of them) the visit's events carry the
    customer id. Masks ``*_early`` happen after the landing page, ``*_checkout`` just before check-out,
    ``remembered`` from the first event. ``log_out`` (only of known visitors) takes the id away again:
    from the visit's later events and from the device's later visits, until the next log-in.
    """

    remembered: Mask
    login_early: Mask
    login_checkout: Mask
    sign_up_early: Mask
    sign_up_checkout: Mask
    log_out: Mask

    @property
    def sign_up(self) -> Mask:
        """Visits in which an account is made."""
        return self.sign_up_early | self.sign_up_checkout


def plan_log_ins(config: SimulatorConfig, visits: pd.DataFrame, population: Population, checkout: Mask) -> LogIns:
    """Decide log-ins, sign-ups and log-outs of people's visits, which must be in order of start.

    A person signs up at most once, in the first visit that wants it, and can log in only in later
    visits; the more intent, the likelier early. Some devices stay anonymous for days
    (``late_login_share``): nobody logs in on them then. A shared device never remembers anybody.
    """
    rng = config.rng("accounts")
    person, device = visits["person"].to_numpy(), visits["device"].to_numpy()
    registered_before = population.people["registered_before"].to_numpy()
    count = len(visits)
    early, late, remember, log, leave = (rng.random(count) for _ in range(5))
    shared = population.devices["number"].to_numpy()[device] == 2
    late_device, held = _anonymous(config, rng, visits, population)
    wants = ~registered_before[person] & ((early < _EARLY_SIGN_UP) | (checkout & (late < _CHECKOUT_SIGN_UP))) & ~held
    who, first = np.unique(person[wants], return_index=True)
    sign_up_row = np.full(len(registered_before), count, dtype=np.int64)
    sign_up_row[who] = np.flatnonzero(wants)[first]
    row = np.arange(count)
    sign_up = row == sign_up_row[person]
    member = (registered_before[person] | (row > sign_up_row[person])) & ~held
    wants_early = member & (log < np.where(shared, _SHARED_LOGIN, early_login_chance(visits["intent"].to_numpy())))
    wants_checkout = member & ~wants_early & checkout & (late < _CHECKOUT_LOGIN)
    leaves = leave < np.where(shared, _SHARED_LOG_OUT, config.log_out_share)
    # Cookies from before the history remember people on their first devices.
    old = registered_before[person] & (device == person) & ~late_device
    stays_in = _last_state(device, wants_early | wants_checkout | sign_up, leaves, old)
    remembered = member & ~shared & stays_in & (remember < _REMEMBERED)
    login_early, login_checkout = wants_early & ~remembered, wants_checkout & ~remembered
    known = remembered | login_early | login_checkout | sign_up
    return LogIns(remembered, login_early, login_checkout, sign_up & ~checkout, sign_up & checkout, known & leaves)


def _anonymous(
    config: SimulatorConfig, rng: np.random.Generator, visits: pd.DataFrame, population: Population
) -> tuple[Mask, Mask]:
    """Visits on devices that log in late, and those of them that are too early for a log-in."""
    device, start = visits["device"].to_numpy(), visits["start"].to_numpy()
    count = len(population.devices)
    late = (rng.random(count) < config.late_login_share) & (population.devices["number"].to_numpy() < 2)
    wait = (rng.uniform(*_ANONYMOUS_DAYS, count) * DAY).astype(np.int64)
    first = np.zeros(count, dtype=np.int64)
    who, row = np.unique(device, return_index=True)
    first[who] = start[row]
    return late[device], late[device] & (start < first[device] + wait[device])


def _last_state(device: NDArray[np.int64], logs_in: Mask, leaves: Mask, old: Mask) -> Mask:
    """Whether the device's visits before each visit left it logged in; ``old`` where none said anything."""
    order = np.argsort(device, kind="stable")
    states = pd.Series(np.where(leaves, 0.0, np.where(logs_in, 1.0, np.nan))[order])
    by_device = device[order]
    # The state before a visit: the last one said on the same device.
    before = states.groupby(by_device).ffill().groupby(by_device).shift()
    stays_in = np.empty(len(device), dtype=bool)
    stays_in[order] = np.where(before.isna(), old[order], before == 1.0)
    return stays_in

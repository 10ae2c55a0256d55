"""The planted truth: what a perfect platform would find in the logs.

Nothing here reads the written files; everything comes from the planted tables. Sessions follow the
platform's rule with numpy instead of SQL: a session starts where its device had no event in the 30
minutes before, and holds the events until the next such gap, at most 24 hours after its start.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator import events as ev
from ingestion.simulator.clock import DAY, SECOND
from ingestion.simulator.deliveries import CLEAN

SESSION_GAP = 30 * 60 * SECOND
SESSION_CAP = DAY


def find_sessions(
    device: NDArray[np.int64],
    ts: NDArray[np.int64],
    kind: NDArray[np.int64],
    visit: NDArray[np.int64] | None = None,
    customer: NDArray[np.int64] | None = None,
    server: NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    """Sessions of a set of events.

    Parameters are parallel arrays: device number, instant, event kind; and, to know whose session it
    is: visit, customer number (-1 none), 1 for events posted by the shop's backend. Returns one row per
    session, ordered by device and start: device, session_start, session_end (last member), events,
    page_views, over_cap_events (events of the same run that come more than 24 hours after the start
    and so belong to no session), visit (of the first event), source_visit (of the first event that a
    browser sent, -1 if none did), visits (how many different ones met in the session), customer (the
    last one named in it, -1 none).
    """
    order = np.lexsort((ts, device))
    none = np.full(len(ts), -1, dtype=np.int64)
    visit, customer, server = (none if some is None else some[order] for some in (visit, customer, server))
    device, ts, kind = device[order], ts[order], kind[order]
    starts = np.r_[True, (device[1:] != device[:-1]) | (ts[1:] - ts[:-1] > SESSION_GAP)][: len(ts)]
    run = np.cumsum(starts) - 1
    opening = ts[starts]
    member = ts <= opening[run] + SESSION_CAP if len(ts) else np.zeros(0, dtype=bool)
    count = len(opening)
    end = opening.copy()
    np.maximum.at(end, run[member], ts[member])
    source_visit, last_customer = np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    browser, named = np.flatnonzero(member & (server != 1)), np.flatnonzero(member & (customer >= 0))
    # Of repeated places numpy keeps the last value written: backwards that is the first event.
    source_visit[run[browser][::-1]] = visit[browser][::-1]
    last_customer[run[named]] = customer[named]
    met = np.unique(np.stack([run, visit]), axis=1)[0]
    return pd.DataFrame(
        {
            "device": device[starts],
            "session_start": opening,
            "session_end": end,
            "events": np.bincount(run[member], minlength=count),
            "page_views": np.bincount(run[member & (kind == ev.PAGE)], minlength=count),
            "over_cap_events": np.bincount(run[~member], minlength=count),
            "visit": visit[starts],
            "source_visit": source_visit,
            "visits": np.bincount(met, minlength=count),
            "customer": last_customer,
        }
    )


def arrived_events(events: pd.DataFrame, deliveries: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """The events that arrived clean, in time and on a device, with their ``device`` number."""
    arrived = events.iloc[deliveries.loc[deliveries["fate"] == CLEAN, "event"].to_numpy()]
    arrived = arrived[arrived["visit"] >= 0]
    return arrived.assign(device=visits["device"].to_numpy()[arrived["visit"].to_numpy()])


def true_sessions(arrived: pd.DataFrame) -> pd.DataFrame:
    """Sessions (see ``find_sessions``) of the events that ``arrived_events`` found."""
    names = ("device", "ts", "kind", "visit", "customer", "server")
    return find_sessions(*(arrived[name].to_numpy() for name in names))

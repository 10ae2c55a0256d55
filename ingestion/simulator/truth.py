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


def find_sessions(device: NDArray[np.int64], ts: NDArray[np.int64], kind: NDArray[np.int64]) -> pd.DataFrame:
    """Sessions of a set of events.

    Parameters are parallel arrays: device number, instant, event kind. Returns one row per session,
    ordered by device and start: device, session_start, session_end (last member), events,
    page_views, over_cap_events (events of the same run that come more than 24 hours after the start
    and so belong to no session).
    """
    order = np.lexsort((ts, device))
    device, ts, kind = device[order], ts[order], kind[order]
    starts = np.r_[True, (device[1:] != device[:-1]) | (ts[1:] - ts[:-1] > SESSION_GAP)][: len(ts)]
    run = np.cumsum(starts) - 1
    opening = ts[starts]
    member = ts <= opening[run] + SESSION_CAP if len(ts) else np.zeros(0, dtype=bool)
    count = len(opening)
    end = opening.copy()
    np.maximum.at(end, run[member], ts[member])
    return pd.DataFrame(
        {
            "device": device[starts],
            "session_start": opening,
            "session_end": end,
            "events": np.bincount(run[member], minlength=count),
            "page_views": np.bincount(run[member & (kind == ev.PAGE)], minlength=count),
            "over_cap_events": np.bincount(run[~member], minlength=count),
        }
    )


def true_sessions(events: pd.DataFrame, deliveries: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Sessions of the events that arrived clean, in time and on a device."""
    arrived = events.iloc[deliveries.loc[deliveries["fate"] == CLEAN, "event"].to_numpy()]
    arrived = arrived[arrived["visit"] >= 0]
    device = visits["device"].to_numpy()[arrived["visit"].to_numpy()]
    return find_sessions(device, arrived["ts"].to_numpy(), arrived["kind"].to_numpy())

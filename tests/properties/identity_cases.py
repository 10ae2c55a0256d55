"""Who logged in where, whom people set apart or joined, and a visitor found out as a program: March 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime

from ingestion.identity_overrides import decide_identity
from ingestion.shops import Shop
from tests.properties.histories import Topic
from tests.properties.warehouse import Warehouse

Event = dict[str, object]
#: Device, customer and what is decided of the two.
Decision = tuple[str, str, str]


def event(ts: str, device: str | None, name: str = "page_view", **more: object) -> Event:
    """An event at a local time `DD HH:MM:SS` of March 2026; its id is its time and device."""
    day, clock = ts.split(" ")
    at = f"2026-03-{day}T{clock}+08:00"
    return {"event_id": f"{at} {device} {name}", "event_name": name, "event_ts": at, "device_id": device, **more}


def burst(device: str, start: str, events: int, seconds: int) -> list[Event]:
    """Events of a device from a time of 10 March on, so many seconds apart."""
    hour, minute = (int(part) for part in start.split(":"))
    made = []
    for number in range(events):
        at = hour * 3600 + minute * 60 + number * seconds
        made.append(event(f"{10 + at // 86400} {at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d}", device))
    return made


LOGS: dict[int, list[Event]] = {
    10: [event("10 10:00:00", "own"), event("10 10:00:00", "till"), event("10 10:00:00", "family")],
    12: [
        event("12 10:00:00", "own", "login", customer_id="ann"),
        event("12 10:00:00", "family", "login", customer_id="bob"),
        event("12 11:00:00", "family", customer_id="bob"),
        *(event(f"12 {hour}:00:00", "till", "login", customer_id=f"c{hour}") for hour in range(10, 16)),
    ],
    14: [event("13 09:00:00", "family", "login", customer_id="cat")],
}

#: shop -> arrival day of March 2026 -> events that arrived then
CASES: dict[str, dict[int, list[Event]]] = {
    "logged_in": LOGS,
    "decided": LOGS,
    "decided_again": LOGS,
    "late_burst": {
        10: [event("10 08:00:00", "d1"), event("10 20:00:00", "d2")],
        12: burst("d1", "12:00", 70, 1),
    },
}
_DECIDED: list[Decision] = [
    ("own", "ann", "separate"),
    ("family", "cat", "separate"),
    ("till", "c12", "join"),
    ("never seen", "ann", "join"),
    ("till", "c13", "separate"),
]
#: shop -> day of March on which people decide -> what they decide
DECISIONS: dict[str, dict[int, list[Decision]]] = {
    "decided": {20: _DECIDED},
    # the newest decision on a pair counts, so an undoing can be undone
    "decided_again": {20: _DECIDED, 28: [("own", "ann", "join")]},
}


def shop_of(case: str) -> Shop:
    """The shop of a case."""
    return Shop(case, "Asia/Shanghai", "CNY")


def _land(warehouse: Warehouse, day: date) -> None:
    for case, arrivals in CASES.items():
        if day.day in arrivals:
            warehouse.land_events(shop_of(case), day, arrivals[day.day])
    for case, decisions in DECISIONS.items():
        for hour, (device, customer, action) in enumerate(decisions.get(day.day, [])):
            at = datetime(2026, 4, day.day, hour, tzinfo=UTC)
            decide_identity(warehouse.lake, case, device, customer, action, "ann", "because", at)  # type: ignore[arg-type]


TOPIC = Topic(
    shops=list(CASES),
    land=_land,
    watched={
        "programs of the late burst": "select bool_or(is_bot) from marts.fct_sessions where shop_id = 'late_burst'",
        "merges undone and made again": "select rule from marts.dim_identities "
        "where shop_id = 'decided_again' and anonymous_id = 'own'",
    },
)

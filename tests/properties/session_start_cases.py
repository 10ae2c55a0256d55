"""Random sessions of a shop, futures for them, and what must be known of each at its fifth event, counted by hand."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

Event = dict[str, object]
#: The sessions of a visitor in order, each with its events in order; they lie more than half an hour apart.
Sessions = dict[str, list[list[Event]]]

AT_EVENT = 5
PAST_DAYS = 30
DAYS = 8
#: Of sessions begun on this day and later, what comes after the fifth event is another in every future.
LAST_DAY = date(2026, 3, 16)
FIRST_DAY = LAST_DAY - timedelta(days=DAYS - 1)

_KINDS = {
    "page_view": "page_views",
    "view_item_list": "list_views",
    "view_item": "product_views",
    "search": "searches",
    "add_to_wishlist": "wishlist_adds",
    "add_to_cart": "cart_adds",
    "remove_from_cart": "cart_removes",
    "begin_checkout": "checkouts",
    "purchase": "purchases",
    "login": "other_events",
}
_ON_ITEMS = ("view_item", "add_to_wishlist", "add_to_cart", "remove_from_cart")
COUNTS = tuple(_KINDS.values())


def ts(event: Event) -> datetime:
    """When it happened, on the shop's clock."""
    return datetime.fromisoformat(str(event["event_ts"]))


def day(event: Event) -> date:
    """The shop's day of an event."""
    return ts(event).date()


def _event(rng: random.Random, event_id: str, at: datetime, device: str) -> Event:
    name = rng.choice([*_KINDS, "view_item", "view_item", "add_to_cart"])
    event: Event = {"event_id": event_id, "event_name": name, "event_ts": at.isoformat(), "device_id": device}
    if name in _ON_ITEMS:
        event |= {"item_id": f"i{rng.randrange(4)}"} if rng.random() < 0.9 else {}
        event |= {"price": rng.randrange(1, 90)} if rng.random() < 0.8 else {}
        event |= {"quantity": rng.randrange(1, 4)} if rng.random() < 0.5 else {}
        event |= {"item_category": f"k{rng.randrange(3)}"} if rng.random() < 0.7 else {}
    if name == "purchase":
        event |= {"order_id": f"o{event_id}", "value": 20, "item_id": "i1", "price": 20, "quantity": 1}
    for column, values in {
        "customer_id": ["c1", "c2"],
        "device": ["mobile", "desktop"],
        "country": ["CN", "DE"],
        "utm_source": ["google", "newsletter"],
        "page_url": ["https://shop.example/p", "https://shop.example/q"],
    }.items():
        if rng.random() < 0.12:
            event[column] = rng.choice(values)
    return event


def random_sessions(seed: int, visitors: int = 25) -> Sessions:
    """Up to two sessions a visitor and day, of 1 to 12 events; some in one second, some over midnight."""
    rng = random.Random(seed)
    sessions: Sessions = {}
    for number in range(visitors):
        device = f"d{number}"
        for offset in range(DAYS):
            for hour in rng.sample([1, 9, 22], k=rng.choice([0, 1, 1, 2])):
                at = datetime.fromisoformat(f"{FIRST_DAY + timedelta(days=offset)}T{hour:02d}:40:00+08:00")
                events = []
                for _ in range(rng.randrange(1, 13)):
                    made = f"{seed}-{number}-{offset}-{hour}-{len(events):02d}"
                    events.append(_event(rng, made, at, device))
                    at += timedelta(seconds=rng.choice([0, 1, 7, 60, 600]), milliseconds=rng.choice([0, 0, 250]))
                sessions.setdefault(device, []).append(events)
    return sessions


def first_events(session: list[Event]) -> list[Event]:
    """The first five events, and those of the fifth one's very microsecond; none of a shorter session."""
    if len(session) < AT_EVENT:
        return []
    return [event for event in session if ts(event) <= ts(session[AT_EVENT - 1])]


def _with_later(sessions: Sessions, later: dict[str, list[Event]]) -> Sessions:
    """Sessions up to LAST_DAY; those of LAST_DAY cut after their first events, and what ``later`` names put there."""
    kept: Sessions = {}
    for visitor, of_visitor in sessions.items():
        for session in of_visitor:
            if day(session[0]) < LAST_DAY:
                kept.setdefault(visitor, []).append(session)
            elif day(session[0]) == LAST_DAY and first_events(session):
                first = first_events(session)
                kept.setdefault(visitor, []).append(first + later.get(str(first[0]["event_id"]), []))
    return kept


def _of_last_day(sessions: Sessions) -> list[list[Event]]:
    return [s for of_visitor in sessions.values() for s in of_visitor if day(s[0]) == LAST_DAY and first_events(s)]


def future_removed(sessions: Sessions) -> Sessions:
    """Nothing comes after the fifth event."""
    return _with_later(sessions, {})


def future_shuffled(sessions: Sessions) -> Sessions:
    """The same times, other sessions' events: what they say and who says it, but for the device."""
    tails = {str(s[0]["event_id"]): s[len(first_events(s)) :] for s in _of_last_day(sessions)}
    events = [event for tail in tails.values() for event in tail]
    others = iter(random.Random(1).sample(events, len(events)))
    own = ("event_id", "event_ts", "device_id")
    shuffled = {
        first: [{**next(others), **{key: e[key] for key in own}} for e in tail] for first, tail in tails.items()
    }
    return _with_later(sessions, shuffled)


def future_added(sessions: Sessions) -> Sessions:
    """In every session a log-in, campaign marks, a view, a cart and an order follow."""
    added = {}
    for session in _of_last_day(sessions):
        last = first_events(session)[-1]
        more: list[Event] = [
            {"event_name": "login", "customer_id": "late", "device": "tv", "country": "FR", "utm_source": "bing"},
            {"event_name": "view_item", "item_id": "dear", "price": 9999, "item_category": "late"},
            {"event_name": "add_to_cart", "item_id": "dear", "price": 9999, "quantity": 3, "referrer": "https://a.com"},
            {"event_name": "purchase", "order_id": f"late-{last['event_id']}", "value": 9, "item_id": "dear"},
        ]
        for number, event in enumerate(more):
            at = ts(last) + timedelta(microseconds=1 + number)
            event |= {"event_id": f"{last['event_id']}-{number}", "event_ts": at.isoformat()}
            event |= {"device_id": last["device_id"]}
        added[str(session[0]["event_id"])] = more
    return _with_later(sessions, added)


def by_hand(sessions: Sessions) -> dict[tuple[str, datetime], dict[str, object]]:
    """What feat_session_starts must say, by visitor and time of the fifth event."""
    rows = {}
    for visitor, of_visitor in sessions.items():
        for session in of_visitor:
            first = first_events(session)
            if first:
                at = ts(session[AT_EVENT - 1])
                rows[visitor, at] = (
                    _known(first)
                    | _past(of_visitor, day(session[0]))
                    | {
                        "purchased_later": any(e["event_name"] == "purchase" for e in session[len(first) :]),
                        "hour_of_day": at.hour,
                        "weekday": at.weekday(),
                    }
                )
    return rows


def _known(first: list[Event]) -> dict[str, object]:
    times = [ts(event) for event in first]
    names = Counter(_KINDS[str(event["event_name"])] for event in first)
    on_items = [event for event in first if event["event_name"] in _ON_ITEMS]
    views = [event for event in on_items if event["event_name"] == "view_item"]
    prices = [int(str(event["price"])) * 100 for event in views if "price" in event]
    mean = Decimal(sum(prices)) / len(prices) if prices else None
    viewed = Counter(event["item_id"] for event in views if "item_id" in event)
    told = {column: [event[column] for event in first if column in event] for column in ("customer_id", "device")}
    return {
        **{name: names[name] for name in COUNTS},
        "events": len(first),
        "seconds_since_start": Decimal(str((times[AT_EVENT - 1] - times[0]).total_seconds())),
        "longest_gap_seconds": Decimal(str(max((b - a).total_seconds() for a, b in itertools.pairwise(times)))),
        "items": len({event["item_id"] for event in on_items if "item_id" in event}),
        "categories": len({event["item_category"] for event in on_items if "item_category" in event}),
        "most_viewed": max(viewed.values(), default=0),
        "max_price_viewed_minor": max(prices, default=None),
        "mean_price_viewed_minor": mean.quantize(Decimal("0.01"), ROUND_HALF_UP) if mean is not None else None,
        "cart_value_minor": _cart_value(first),
        "customer_id": told["customer_id"][-1] if told["customer_id"] else None,
        "device": told["device"][0] if told["device"] else None,
    }


def _cart_value(first: list[Event]) -> int | None:
    added, removed = (
        [event for event in first if event["event_name"] == name] for name in ("add_to_cart", "remove_from_cart")
    )
    if not added:
        return 0
    if not any("price" in event for event in added):
        return None
    worth = sum(map(_worth, added)) - sum(map(_worth, removed))
    return max(worth, 0)


def _worth(line: Event) -> int:
    return int(str(line.get("price", 0))) * 100 * int(str(line.get("quantity", 1)))


def _past(of_visitor: list[list[Event]], session_day: date) -> dict[str, object]:
    since = session_day - timedelta(days=PAST_DAYS)
    before = [event for session in of_visitor for event in session if since <= day(event) < session_day]
    starts = [day(session[0]) for session in of_visitor if since <= day(session[0]) < session_day]
    return {
        "is_new": not before,
        "days_since_last_visit": (session_day - max(map(day, before))).days if before else None,
        "past_sessions": len(starts),
        "past_cart_adds": sum(event["event_name"] == "add_to_cart" for event in before),
        "past_orders": sum(event["event_name"] == "purchase" for event in before),
    }

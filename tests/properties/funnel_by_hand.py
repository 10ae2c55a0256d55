"""The funnel's definition once more, event by event in plain Python: what the SQL is compared with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.properties.warehouse import Warehouse

WINDOW = timedelta(days=7)
RETURNING = timedelta(days=30)

#: (unit, day, dimension, value) -> units, views, carts, checkouts, purchases and the last three in any order
Funnel = dict[tuple[str, date, str, str], tuple[int, ...]]


@dataclass(frozen=True)
class Step:
    """One event and item of a session; `category` None where a check-out or purchase names no item."""

    name: str
    ts: datetime
    day: date
    category: str | None


def _steps(warehouse: Warehouse, shop: str) -> dict[tuple[str, date, str], list[Step]]:
    """Steps of each session of people: (visitor, session date, session id) -> steps."""
    sessions: dict[tuple[str, date, str], list[Step]] = defaultdict(list)
    for visitor, begun, session_id, name, ts, day, item_id, category, known in warehouse.rows(
        f"""
        select members.visitor_id, members.session_date, sessions.session_id, events.event_name, events.event_ts,
            events.event_date, events.item_id, events.item_category, products.item_category
        from intermediate.int_session_days as members
        join marts.fct_sessions as sessions using (shop_id, visitor_id, session_start_ts)
        join intermediate.int_events as events using (shop_id, visitor_id, event_date)
        left join intermediate.int_product_days as products using (shop_id, event_date, item_id)
        where shop_id = '{shop}' and not sessions.is_bot
            and events.event_ts between members.first_event_ts and members.last_event_ts
        """
    ):
        step = {"view_item": "view", "add_to_cart": "cart", "begin_checkout": "checkout", "purchase": "purchase"}
        steps = sessions[str(visitor), begun, str(session_id)]  # type: ignore[index]
        if name in step:
            nothing_named = name in ("begin_checkout", "purchase") and item_id is None and category is None
            of = None if nothing_named else category or known or "(not set)"
            steps.append(Step(step[name], ts, day, of))  # type: ignore[index, arg-type]
    return sessions


def _passed(scope: list[Step], first_view: datetime | None, closes: datetime | None) -> tuple[int, ...]:
    """Which steps were passed in order and in any order, each 0 or 1."""
    in_time = [step for step in scope if closes is None or step.ts <= closes]
    names = {step.name for step in scope}
    any_order = ("cart" in names, bool(names & {"checkout", "purchase"}), "purchase" in names)
    carts = [step.ts for step in in_time if step.name == "cart" and first_view is not None and step.ts >= first_view]
    bought = bool(carts) and any(step.name == "purchase" and step.ts >= min(carts) for step in in_time)
    paid = bought or (bool(carts) and any(step.name == "checkout" and step.ts >= min(carts) for step in in_time))
    return tuple(int(flag) for flag in (True, first_view is not None, bool(carts), paid, bought, *any_order))


def _of_category(step: Step, category: str | None, others: list[Step]) -> bool:
    """Whether a step is of a category; what names no item is of all that was carted within the window before it."""
    if category is None or step.category == category:
        return True
    return step.category is None and any(
        cart.name == "cart"
        and cart.category == category
        and (cart.day == step.day or step.ts - WINDOW <= cart.ts <= step.ts)
        for cart in others
    )


def _first_view(steps: list[Step], category: str | None) -> datetime | None:
    return min((s.ts for s in steps if s.name == "view" and category in (None, s.category)), default=None)


def _units(warehouse: Warehouse, shop: str) -> Iterator[tuple[str, date, str, str | None, tuple[int, ...]]]:
    """(unit, day, visitor, category or None for the whole, what was passed) of every session and visitor's day."""
    by_visitor: dict[str, list[Step]] = defaultdict(list)
    for (visitor, begun, _), steps in _steps(warehouse, shop).items():
        by_visitor[visitor].extend(steps)
        carted = {step.category for step in steps if step.name == "cart"}
        for category in {None} | {step.category for step in steps}:
            own = [
                step
                for step in steps
                if category in (None, step.category) or (step.category is None and category in carted)
            ]
            yield "session", begun, visitor, category, _passed(own, _first_view(steps, category), None)
    for visitor, day in warehouse.rows(
        f"select visitor_id, event_date from marts.agg_user_daily where shop_id = '{shop}' and not is_bot"
    ):
        steps = by_visitor[str(visitor)]
        today = [step for step in steps if step.day == day]
        for category in {None} | {step.category for step in today} | {s.category for s in steps if s.name == "cart"}:
            first_view = _first_view(today, category)
            closes = first_view + WINDOW if first_view else None
            scope = [
                step
                for step in steps
                if _of_category(step, category, steps)
                and (step.day == day or (first_view and closes and first_view <= step.ts <= closes))
            ]
            if category is None or scope:
                yield "visitor", day, str(visitor), category, _passed(scope, first_view, closes)  # type: ignore[misc]


def funnel_by_hand(warehouse: Warehouse, shop: str) -> Funnel:
    """The funnel of a shop from its sessions and events: as a whole, by category and by new and returning."""
    days: dict[str, set[date]] = defaultdict(set)
    for visitor, day in warehouse.rows(
        f"select visitor_id, event_date from marts.agg_user_daily where shop_id = '{shop}'"
    ):
        days[str(visitor)].add(day)  # type: ignore[arg-type]
    totals: dict[tuple[str, date, str, str], Counter[int]] = defaultdict(Counter)
    for unit, day, visitor, category, passed in _units(warehouse, shop):
        if category is None:
            came_before = any(day - RETURNING <= other < day for other in days[visitor])
            keys = [("all", "all"), ("visitor_type", "returning" if came_before else "new")]
        else:
            keys = [("category", category)]
        for key in keys:
            totals[unit, day, *key].update(dict(enumerate(passed)))
    return {key: tuple(count[place] for place in range(8)) for key, count in totals.items()}

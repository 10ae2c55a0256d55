"""Progress of a run in this process, told a line at a time to whoever started it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

Say = Callable[[str], None]

#: Run configuration for a run with a listener: steps are told, Dagster's own console stays silent.
TOLD = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}, "progress": {"config": {}}}}

#: What each step of the daily job does, in a few words.
STEPS = {
    "lake": "Loading what waits in the landing folder",
    "dbt_daily": "Building sessions, orders and daily tables (dbt)",
    "dbt_whole": "Building customers, products and key figures (dbt)",
    "customer_segments": "Grouping customers (K-Means, evaluated)",
    "churn": "Who is about to leave (learned when due)",
    "purchase_propensity": "Who is about to buy (learned when due)",
    "session_intent": "Which sessions were about to buy (learned when due)",
    "customer_value": "What customers are worth (learned when due)",
    "recommendations": "What to show whom (learned when due)",
    "session_next_items": "What comes next in a session (learned when due)",
    "association_rules": "What is bought together",
    "buy_again": "What is bought again (learned when due)",
    "model_reports": "Reporting what the models have come to",
    "dbt_after_ml": "Putting scores beside customers (dbt)",
    "published": "Publishing for readers",
}
_listeners: list[Say] = []


class _Teller(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Pass on the step's start, failures and how long it took."""
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        words = _words(event)
        if words and _listeners:
            _listeners[-1](words)


@dg.logger(None, description="Tells the process that started the run what the run is doing.")
def progress_logger(init_context: dg.InitLoggerContext) -> logging.Logger:
    """A logger of its own that passes step events to the listener."""
    logger = logging.Logger("footfall.progress", level=logging.DEBUG)
    logger.addHandler(_Teller())
    return logger


@contextmanager
def told_to(say: Say | None) -> Iterator[None]:
    """While inside, runs in this process tell ``say`` of their steps."""
    _listeners.append(say or (lambda words: None))
    # What libraries remark to Dagster's logger would land between the lines on the terminal.
    remarks = logging.getLogger("dagster.builtin")
    before = remarks.level
    remarks.setLevel(logging.WARNING)
    try:
        yield
    finally:
        remarks.setLevel(before)
        _listeners.pop()


def _words(event: Any) -> str | None:
    step = getattr(event, "step_key", None)
    if step is None:
        return None
    if event.event_type == dg.DagsterEventType.STEP_START:
        return STEPS.get(step)
    if event.event_type == dg.DagsterEventType.STEP_SUCCESS and step in STEPS:
        return f"  done in {event.event_specific_data.duration_ms / 1000:.1f} s"
    return f"  failed: {step}" if event.event_type == dg.DagsterEventType.STEP_FAILURE else None

"""Homes that tests of several files share; tests/shared_work.py keeps these files on one worker."""

from __future__ import annotations

from datetime import date

import pytest

from tests.properties import (
    attribution_cases,
    behaviour_cases,
    campaign_cost_cases,
    cart_and_order_cases,
    identity_cases,
    late_arrival_cases,
    order_table_cases,
)
from tests.properties.histories import DAY_BY_DAY, Histories


def _in_march(*days: int) -> list[date]:
    return [date(2026, 3, day) for day in days]


#: Shuffled, nearly every case is turned round, and what is random comes neither forwards nor backwards. Backwards,
#: which `make verify` adds, no two days share a run.
MARCH = {
    DAY_BY_DAY: [
        *(_in_march(day) for day in (10, 11, 12)),
        *(_in_march(13, 14), _in_march(15, 16)),
        *(_in_march(day) for day in (20, 28)),
    ],
    "shuffled": [
        *(_in_march(28), _in_march(13, 14)),
        *(_in_march(day) for day in (12, 11, 20, 10)),
        _in_march(15, 16),
    ],
    "backwards": [_in_march(day) for day in (28, 20, 16, 15, 14, 13, 12, 11, 10)],
}


@pytest.fixture(scope="session")
def march(tmp_path_factory: pytest.TempPathFactory) -> Histories:
    """Late and superseded events, order tables and identities, some of each on nearly every day of two weeks."""
    topics = [late_arrival_cases.TOPIC, order_table_cases.TOPIC, identity_cases.TOPIC]
    return Histories(tmp_path_factory.mktemp("march"), topics, MARCH)


@pytest.fixture(params=[DAY_BY_DAY, "shuffled", pytest.param("backwards", marks=pytest.mark.long)])
def march_order(request: pytest.FixtureRequest) -> str:
    """An order of arrival in March."""
    return str(request.param)


def _in_spring(*days: str) -> list[date]:
    return [date.fromisoformat(f"2026-{day}") for day in days]


#: What arrives months later comes first when shuffled, and what changes its sessions last.
SPRING = {
    DAY_BY_DAY: [
        *(_in_spring(day) for day in ("02-10", "03-10", "03-12", "03-14", "03-18")),
        _in_spring("04-09", "04-10"),
        *(_in_spring(day) for day in ("05-20", "06-20")),
    ],
    "shuffled": [
        *(_in_spring(day) for day in ("06-20", "05-20")),
        _in_spring("04-09", "04-10"),
        *(_in_spring(day) for day in ("03-18", "03-12", "02-10", "03-14", "03-10")),
    ],
}


@pytest.fixture(scope="session")
def spring(tmp_path_factory: pytest.TempPathFactory) -> Histories:
    """Carts, orders, attribution, behaviour and costs: what happens in March changes up to three months later."""
    topics = [attribution_cases.TOPIC, cart_and_order_cases.TOPIC, behaviour_cases.TOPIC, campaign_cost_cases.TOPIC]
    return Histories(tmp_path_factory.mktemp("spring"), topics, SPRING)


@pytest.fixture(params=list(SPRING))
def spring_order(request: pytest.FixtureRequest) -> str:
    """An order of arrival in spring."""
    return str(request.param)

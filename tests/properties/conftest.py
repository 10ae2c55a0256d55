"""Homes that tests of several topics share. Tests that use one belong to its `xdist_group`, to build it once."""

from __future__ import annotations

from datetime import date

import pytest

from tests.properties import (
    identity_cases,
    late_arrival_cases,
    order_table_cases,
)
from tests.properties.histories import DAY_BY_DAY, Histories


def _in_march(*days: int) -> list[date]:
    return [date(2026, 3, day) for day in days]


#: The shuffled order turns nearly every case round, and leaves none of more than two days in either order.
MARCH = {
    DAY_BY_DAY: [_in_march(day) for day in (10, 11, 12, 13, 14)] + [_in_march(15, 16), _in_march(20), _in_march(28)],
    "shuffled": [_in_march(day) for day in (28, 13, 14, 11, 12, 20, 10)] + [_in_march(15, 16)],
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

"""One small simulated shop, shared by the simulator's tests."""

from __future__ import annotations

import pytest

from tests.simulator.written_shop import Written, write


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Enough visitors for every kind of nuisance to occur, few enough to read in Python."""
    return write(tmp_path_factory.mktemp("small"), visitors=1500, days=30, seed=11)

"""The public data sets that tests of several files look at; tests/shared_work.py keeps these on one worker."""

from __future__ import annotations

import pytest

from ingestion.shops import Shop
from tests.properties.warehouse import Warehouse
from tests.real.public_data import public_file


@pytest.fixture(scope="session")
def online_retail(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """UCI Online Retail, all of it, through the shipped mapping."""
    warehouse = Warehouse(tmp_path_factory.mktemp("retail"), threads=2)
    file = public_file("uci_online_retail/online_retail.parquet")
    warehouse.land([file], "uci_online_retail", Shop("retail", "Europe/London", "GBP"))
    warehouse.build()
    return warehouse

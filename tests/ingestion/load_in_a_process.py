"""Ingests one file from the command line, so that a test can kill the process in the middle.

``python load_in_a_process.py LAKE FILE ['replay']``; exits 0 and prints the load id.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from ingestion.lake import Lake
from ingestion.load import ingest_file
from ingestion.shops import Shop
from tests.ingestion.lake_contents import keyed_mapping

if __name__ == "__main__":
    lake_folder, file = sys.argv[1:3]
    day = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    result = ingest_file(
        Lake(lake_folder),
        Path(file),
        keyed_mapping("keep"),
        Shop("corner", "Europe/Berlin", "EUR"),
        now=datetime(2024, 6, day, 12, tzinfo=UTC),
    )
    print(result.load_id)

"""Where the public data sets are; tests that need one skip, saying so, where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("FOOTFALL_REAL_DATA", ROOT.parent / "shared" / "data"))
SOURCES = Path(__file__).parent / "sources"


def public_file(name: str) -> Path:
    """A file of the public data, or skip the test."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"public data set absent: {path} (set FOOTFALL_REAL_DATA)")
    return path

"""Decisions of people about who uses which device: a small CSV file in the lake that every run reads.

::

    lake/identity_overrides.csv   shop_id, anonymous_id, customer_id, action, decided_at, decided_by, reason

``separate`` takes a customer away from a device, whatever the logs say; ``join`` gives the device's
anonymous events to the customer, also where the device is shared. The newest decision on a pair
counts. The file is only ever added to, so it is also the record of who decided what and why; a full
refresh reads it like any other run.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ingestion.durable import write_bytes_durably
from ingestion.lake import Lake

ACTIONS = ("separate", "join")
COLUMNS = ("shop_id", "anonymous_id", "customer_id", "action", "decided_at", "decided_by", "reason")


def decide_identity(
    lake: Lake,
    shop_id: str,
    anonymous_id: str,
    customer_id: str,
    action: Literal["separate", "join"],
    decided_by: str,
    reason: str,
    decided_at: datetime | None = None,
) -> Path:
    """Add one decision to the lake's file and return the file's path.

    ``decided_at`` (aware; default now) orders decisions on the same pair. Ids are those in the lake:
    pseudonyms where the installation uses them. ``ValueError`` names what is missing or unknown.
    """
    row = (shop_id, anonymous_id, customer_id, action)
    for name, value in zip(COLUMNS, row, strict=False):
        if not value.strip():
            raise ValueError(f"{lake.identity_overrides_file}: {name} is empty, expected an id")
    if action not in ACTIONS:
        raise ValueError(f"{lake.identity_overrides_file}: action is {action!r}, expected one of {', '.join(ACTIONS)}")
    at = (decided_at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    with lake.lock():
        # A spreadsheet may have written the file; two kinds of line end in one file cannot be read.
        before = lake.identity_overrides_file.read_bytes().replace(b"\r\n", b"\n")
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow((*row, at, decided_by, reason.replace("\r\n", "\n")))
        ending = b"" if before.endswith(b"\n") else b"\n"
        write_bytes_durably(lake.identity_overrides_file, before + ending + line.getvalue().encode())
    return lake.identity_overrides_file

"""Decisions of people about who uses which device: a small CSV file in the lake that every run reads.

::

    lake/identity_overrides.csv   shop_id, anonymous_id, customer_id, action, decided_at, decided_by, reason

``separate`` takes a customer away from a device, whatever the logs say; ``join`` gives the device's
anonymous events to the customer, also where the device is shared. The newest decision on a pair
counts. The file is only ever added to, so it is also the record of who decided what and why; a full
refresh reads it like any other run.

It may be edited by hand or with a spreadsheet. Columns are read by name, in any order; blank rows are
passed over; ``decided_at`` is UTC unless it names an offset. ``check_overrides`` refuses everything
else before a run reads the file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ingestion.durable import write_bytes_durably
from ingestion.lake import Lake

ACTIONS = ("separate", "join")
#: A day with or without a time, in ISO form; a time may end in an offset.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?", re.ASCII)
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
    at = (decided_at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    values = (shop_id, anonymous_id, customer_id, action, at, decided_by, reason.replace("\r\n", "\n"))
    row = dict(zip(COLUMNS, values, strict=True))
    _check_row(row, str(lake.identity_overrides_file))
    with lake.lock():
        header = check_overrides(lake)
        # A spreadsheet may have written the file; two kinds of line end in one file cannot be read.
        before = lake.identity_overrides_file.read_bytes().replace(b"\r\n", b"\n")
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([row.get(name, "") for name in header])
        ending = b"" if before.endswith(b"\n") else b"\n"
        write_bytes_durably(lake.identity_overrides_file, before + ending + line.getvalue().encode())
    return lake.identity_overrides_file


def check_overrides(lake: Lake) -> list[str]:
    """See that the lake's file can be read, and return the names of its columns in their order.

    ``ValueError`` names file and line (counted from 1, the header's), the column, what is there and what
    was expected: a missing or doubled column, a row with more or fewer fields than the header, an empty
    id, an unknown action, a ``decided_at`` that is no ISO date and time.
    """
    path = lake.identity_overrides_file
    try:
        # a spreadsheet marks the beginning of a file in UTF-8
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: byte {error.start + 1} is not UTF-8, expected a CSV file in UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    began = 1
    try:
        for fields in reader:
            where, began = f"{path}: line {began}", reader.line_num + 1
            if not header:
                header = _check_header([field.strip() for field in fields], where)
            elif any(field.strip() for field in fields):
                if len(fields) != len(header):
                    raise ValueError(f"{where}: {len(fields)} fields, expected {len(header)} as the header has")
                _check_row(dict(zip(header, fields, strict=True)), where)
    except csv.Error as error:
        raise ValueError(f"{path}: line {began}: {error}, expected CSV with commas and double quotes") from None
    if not header:
        raise ValueError(f"{path}: the file is empty, expected the header {','.join(COLUMNS)}")
    return header


def _check_header(header: list[str], where: str) -> list[str]:
    missing = [name for name in COLUMNS if name not in header]
    doubled = sorted({name for name in header if header.count(name) > 1})
    if missing or doubled:
        wrong = f"without {', '.join(missing)}" if missing else f"with {', '.join(doubled)} more than once"
        raise ValueError(f"{where}: a header {wrong}, expected {','.join(COLUMNS)} in any order")
    return header


def _check_row(row: Mapping[str, str], where: str) -> None:
    for name in ("shop_id", "anonymous_id", "customer_id"):
        if not row[name].strip():
            raise ValueError(f"{where}: {name} is empty, expected an id")
    if row["action"].strip() not in ACTIONS:
        raise ValueError(f"{where}: action is {row['action']!r}, expected one of {', '.join(ACTIONS)}")
    moment = row["decided_at"].strip()
    try:
        if not _MOMENT.fullmatch(moment):
            raise ValueError
        datetime.fromisoformat(moment)
    except ValueError:
        raise ValueError(
            f"{where}: decided_at is {row['decided_at']!r}, expected a time like 2025-03-01 12:00:00 (UTC) or "
            "2025-03-01T20:00:00+08:00"
        ) from None

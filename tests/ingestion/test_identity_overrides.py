"""Decisions about who uses which device: written once, kept for ever, read by every run."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.identity_overrides import COLUMNS, decide_identity
from ingestion.lake import Lake

AT = datetime(2025, 3, 1, 12, tzinfo=UTC)


def rows(lake: Lake) -> list[dict[str, str]]:
    with lake.identity_overrides_file.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_decisions_are_added_in_order_with_their_reason(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    decide_identity(lake, "main", "till", "c1", "separate", "ann", 'a "shared", till', AT)
    decide_identity(lake, "main", "till", "c2", "join", "bob", "told us\nby phone", AT)
    assert [row["reason"] for row in rows(lake)] == ['a "shared", till', "told us\nby phone"]
    assert rows(lake)[0] == {
        "shop_id": "main", "anonymous_id": "till", "customer_id": "c1", "action": "separate",
        "decided_at": "2025-03-01 12:00:00", "decided_by": "ann", "reason": 'a "shared", till',
    }  # fmt: skip


def test_a_file_that_an_editor_left_without_a_last_newline_takes_the_next_row(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    decide_identity(lake, "main", "d", "c", "join", "ann", "", AT)
    lake.identity_overrides_file.write_bytes(lake.identity_overrides_file.read_bytes().rstrip())
    decide_identity(lake, "main", "e", "c", "join", "ann", "", AT)
    assert [row["anonymous_id"] for row in rows(lake)] == ["d", "e"]


def test_a_file_that_a_spreadsheet_wrote_stays_readable(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    decide_identity(lake, "main", "d", "c", "join", "ann", "", AT)
    lake.identity_overrides_file.write_bytes(lake.identity_overrides_file.read_bytes().replace(b"\n", b"\r\n"))
    decide_identity(lake, "main", "e", "c", "join", "ann", "two\r\nlines", AT)
    assert b"\r" not in lake.identity_overrides_file.read_bytes()
    assert [row["anonymous_id"] for row in rows(lake)] == ["d", "e"]


def test_opening_a_lake_of_before_lays_the_file_down_and_again_leaves_it(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for stamp in lake.root.glob(".opened-version-*"):
        stamp.unlink()
    lake.identity_overrides_file.unlink()
    decide_identity(Lake(lake.root), "main", "d", "c", "join", "ann", "", AT)
    assert [row["anonymous_id"] for row in rows(Lake(lake.root))] == ["d"]
    assert tuple(rows(lake)[0]) == COLUMNS


@pytest.mark.parametrize(
    ("shop", "device", "customer", "action", "words"),
    [
        ("main", " ", "c", "join", "anonymous_id is empty"),
        ("main", "d", "", "join", "customer_id is empty"),
        ("main", "d", "c", "merge", "'merge', expected one of separate, join"),
    ],
)
def test_what_says_nothing_is_refused(
    tmp_path: Path, shop: str, device: str, customer: str, action: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        decide_identity(Lake(tmp_path / "lake"), shop, device, customer, action, "ann", "", AT)  # type: ignore[arg-type]

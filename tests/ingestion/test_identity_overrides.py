"""Decisions about who uses which device: written once, kept for ever, read by every run."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.identity_overrides import COLUMNS, check_overrides, decide_identity
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


HEADER = ",".join(COLUMNS)
ROW = "main,d,c,join,2025-03-01 12:00:00,ann,why"


@pytest.mark.parametrize(
    "text",
    [
        HEADER,
        f"{HEADER}\n",
        f"{HEADER}\n{ROW}\n",
        f"\ufeff{HEADER}\r\n{ROW}\r\n,,,,,,\r\n\r\n",
        f'{HEADER}\r\nmain,d,c,separate,2025-03-01,ann,"two\nlines, ""quoted"""\r\n{ROW}\r\n',
        "reason,decided_by,note,shop_id,anonymous_id,customer_id,action,decided_at\n,,,main,d,c,join,2025-03-01T20:00+08:00\n",
    ],
)
def test_what_a_spreadsheet_may_do_is_let_through(tmp_path: Path, text: str) -> None:
    lake = Lake(tmp_path / "lake")
    lake.identity_overrides_file.write_text(text, encoding="utf-8", newline="")
    assert set(check_overrides(lake)) >= set(COLUMNS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty, expected the header shop_id,"),
        (HEADER.replace(",", ";"), "line 1: a header without shop_id, .*expected shop_id,.* in any order"),
        (HEADER.replace(",reason", "") + "\n", "line 1: a header without reason"),
        (f"{HEADER},action\n", "line 1: a header with action more than once"),
        (f"{HEADER}\n\nmain,d,c,join\n", "line 3: 4 fields, expected 7"),
        (
            f'{HEADER}\nmain,d,c,join,2025-03-01,ann,"two\nlines"\nmain,,c,join,2025-03-01,,\n',
            "line 4: anonymous_id is",
        ),
        (f"{HEADER}\n{ROW.replace('join', 'merge')}\n", "line 2: action is 'merge', expected one of separate, join"),
        (f"{HEADER}\n{ROW.replace('2025-03-01 12:00:00', '01/03/2025 12:00')}\n", "line 2: decided_at is '01/03/2025"),
        (f"{HEADER}\n{ROW.replace('2025-03-01', '2025-02-30')}\n", "line 2: decided_at is '2025-02-30 12:00:00'"),
        (f"{HEADER}\n{ROW.replace('2025-03-01 12:00:00', '')}\n", "line 2: decided_at is '', expected a time like"),
        (f'{HEADER}\nmain,d,c,join,2025-03-01,ann,"open\n', "line 2: .*expected CSV with commas and double quotes"),
        (f"{HEADER}\nmain,d\udcfc,c,join,2025-03-01,ann,\n", "is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    lake = Lake(tmp_path / "lake")
    lake.identity_overrides_file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=words) as refused:
        check_overrides(lake)
    assert str(refused.value).startswith(f"{lake.identity_overrides_file}: ")
    with pytest.raises(ValueError, match=words):
        decide_identity(lake, "main", "d", "c", "join", "ann", "", AT)


def test_a_decision_is_written_under_the_columns_that_the_file_has(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    names = ["note", *reversed(COLUMNS)]
    lake.identity_overrides_file.write_text(",".join(names) + "\n")
    decide_identity(lake, "main", "d", "c", "join", "ann", "told us", AT)
    assert rows(lake)[0] == {
        "note": "", "shop_id": "main", "anonymous_id": "d", "customer_id": "c", "action": "join",
        "decided_at": "2025-03-01 12:00:00", "decided_by": "ann", "reason": "told us",
    }  # fmt: skip

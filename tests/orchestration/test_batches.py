"""Runs over many rows are cut into batches of days."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.assets.dbt_models import dbt_commands
from orchestration.batches import batches

FIRST = date(2026, 1, 1)
PROJECT = str(Path(__file__).parents[2] / "dbt_project")


def in_batches(*rows: int, most_rows: int) -> list[list[int]]:
    """Rows of each day, batch by batch."""
    days = {FIRST + timedelta(days=number): count for number, count in enumerate(rows)}
    spans = batches(FIRST, FIRST + timedelta(days=len(rows) - 1), days, most_rows)
    return [[days[day] for day in days if first <= day <= last] for first, last in spans]


def test_equal_days_make_equal_batches() -> None:
    assert in_batches(*[10] * 12, most_rows=40) == [[10] * 4] * 3
    assert in_batches(*[10] * 10, most_rows=35) == [[10] * 4, [10] * 3, [10] * 3]


def test_what_fits_is_one_batch_and_so_are_days_without_rows() -> None:
    assert in_batches(10, 0, 10, most_rows=20) == [[10, 0, 10]]
    assert in_batches(0, 0, most_rows=20) == [[0, 0]]


def test_a_day_is_never_cut_and_empty_days_open_no_batch() -> None:
    assert in_batches(0, 100, 0, 1, 0, most_rows=35) == [[0, 100], [0, 1, 0]]
    assert in_batches(1, 100, most_rows=35) == [[1, 100]]


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="most_rows is 0, expected at least 1"):
        batches(FIRST, FIRST, {}, 0)


@given(rows=st.lists(st.integers(0, 50), min_size=1, max_size=40), most_rows=st.integers(1, 300))
def test_batches_hold_every_day_once_in_order(rows: list[int], most_rows: int) -> None:
    found = in_batches(*rows, most_rows=most_rows)
    assert [count for batch in found for count in batch] == rows
    # not cut where it need not be: a batch is at most a day larger than its share
    assert len(found) <= max(1, -(-sum(rows) // most_rows))
    assert all(sum(batch) <= most_rows + max(rows) for batch in found)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("parts", [1, 3])
def test_dbt_has_every_option_that_it_is_given(parts: int, full: bool) -> None:
    from dbt.cli.main import cli

    days = [(FIRST + timedelta(days=number), FIRST + timedelta(days=number)) for number in range(parts)]
    commands = dbt_commands((FIRST, days[-1][1]), days, full)
    assert len(commands) == (1 if parts == 1 else parts + 1)
    for name, *options in commands:
        context = cli.commands[name].make_context(name, ["--project-dir", PROJECT, "--profiles-dir", PROJECT, *options])
        assert context.params["event_time_start"] is not None or full

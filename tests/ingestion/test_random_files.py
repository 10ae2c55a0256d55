"""Whatever a file holds, every row is accounted for, and its order does not matter."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.lake import Lake
from ingestion.load import ingest_file
from ingestion.shops import Shop
from tests.ingestion.lake_contents import event_mapping, keyed_mapping, lake_rows, quarantine_rows

SHOP = Shop("corner", "Europe/Berlin", "EUR")
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\n\r"), max_size=8)
scalar = st.none() | st.booleans() | st.integers() | st.floats() | text
event_row = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b", "c"]) | text,
        "name": st.sampled_from(["view_item", "purchase", "page_view", "nonsense"]),
        "at": st.sampled_from(["2024-03-01 10:00:00", "2024-03-02 23:30:00", "never", None]),
        "who": st.sampled_from(["v1", "v2", None]),
        "sku": st.sampled_from(["s1", "s2", None]) | scalar,
        "price": st.sampled_from(["1.00", 2, "x"]) | scalar,
        "qty": st.sampled_from([1, 2, "3"]) | scalar,
        "order": st.sampled_from(["o1", None]),
    }
)
json_line = event_row.map(json.dumps) | st.dictionaries(text, scalar, max_size=3).map(json.dumps) | text
csv_line = st.lists(
    st.sampled_from(["a", "view_item", "2024-03-01 10:00:00", '"', '"x"', '""', '"a,b"', "", " "]) | text, max_size=10
).map(",".join)
HEADER = "id,name,at,who,sku,price,qty,order"


def load(folder: Path, lines: list[str], mapping: Any) -> tuple[Any, Lake]:
    lake = Lake(folder / "lake")
    path = folder / "log.txt"
    path.write_bytes("".join(line + "\n" for line in lines).encode())
    return ingest_file(lake, path, mapping, SHOP).entry, lake


def check_closed(entry: Any, lake: Lake) -> None:
    """The counts agree with the files themselves, not only with each other (the entry checks that)."""
    assert len(lake_rows(lake, "load_id")) == entry.contract_rows
    assert len(set(quarantine_rows(lake, "source_row"))) == entry.rows_quarantined
    kept = {row[0] for row in lake_rows(lake, "source_row")}
    assert len(kept) == entry.rows_accepted
    assert not kept & {row[0] for row in quarantine_rows(lake, "source_row")}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(json_line, max_size=25), st.sampled_from(["id", "keep", "drop"]))
def test_json_files_of_any_content_close(lines: list[str], identity: str) -> None:
    # two good rows, so that the fields the contract requires are there at all
    good = {"id": "g", "name": "view_item", "at": "2024-03-01 10:00:00", "who": "v", "qty": 1}
    lines = [json.dumps(good), *lines, json.dumps({**good, "id": "h"})]
    form = {"type": "jsonl"}
    mapping = event_mapping(format=form) if identity == "id" else keyed_mapping(identity, format=form)
    with tempfile.TemporaryDirectory() as folder:
        entry, lake = load(Path(folder), lines, mapping)
        check_closed(entry, lake)
        assert entry.rows_read == len([line for line in lines if line.strip(" ")])
        assert entry.rows_accepted >= 2


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(csv_line, max_size=25))
def test_csv_files_of_any_content_close(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        entry, lake = load(Path(folder), [HEADER, *lines], keyed_mapping("keep"))
        check_closed(entry, lake)
        assert entry.rows_read <= len(lines)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(event_row, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_no_event(rows: list[dict[str, Any]], shuffler: Any) -> None:
    good = {"id": "g", "name": "view_item", "at": "2024-03-01 10:00:00", "who": "v", "qty": 1}
    lines = [json.dumps(row) for row in (good, *rows)]
    shuffled = list(lines)
    shuffler.shuffle(shuffled)
    columns = "event_id, item_index, event_name, event_ts, item_id, price, quantity, content_hash, arrival_date"
    mapping = keyed_mapping("drop", format={"type": "jsonl"})
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        _, lake = load(Path(first), lines, mapping)
        _, other = load(Path(second), shuffled, mapping)
        assert lake_rows(lake, columns) == lake_rows(other, columns)

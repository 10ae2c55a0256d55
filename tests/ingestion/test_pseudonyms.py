"""With a key, no raw id is left in any file of the lake, and everything else is as without one."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.lake import Lake
from ingestion.ledger import LedgerError
from ingestion.load import ingest_file
from ingestion.mapping_models import SourceMapping
from ingestion.pseudonym import pseudonym_sql, set_key
from ingestion.replay import replay_quarantine
from ingestion.shops import Shop
from tests.ingestion.lake_contents import event_mapping, lake_rows, quarantine_rows, write_jsonl, write_parquet

KEY = b"a key of thirty-two bytes or so.."
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def pseudonym(text: str, key: bytes = KEY) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


def personal_mapping(quantity: Any = "qty", **changes: Any) -> SourceMapping:
    columns = {
        "event_name": "name",
        "event_ts": "at",
        "device_id": "cookie",
        "customer_id": "user.mail",
        "source_session_id": "session",
        "page_url": "url",
        "properties": "more",
        "quantity": quantity,
        "search_term": {"column": "q"},
    }
    return event_mapping(format={"type": "jsonl"}, columns=columns, **changes)


def personal_rows() -> list[Any]:
    def row(number: int, **changes: Any) -> dict[str, Any]:
        mail = f"person{number}@example.org"
        return {
            "id": f"e{number}",
            "name": "page_view",
            "at": "2024-03-01 10:00:00",
            "cookie": f"cookie-{number:06d}",
            "user": {"mail": mail},
            "session": f"cookie-{number:06d}.17",
            "url": f"/account?mail=person{number}%40example.org&c=cookie-{number:06d}",
            "more": {"note": f"mail to {mail}"},
            "qty": 1,
            **changes,
        }

    return [
        row(1),
        row(2),
        row(3, qty="dozen"),
        row(4, qty="?"),
        row(5, cookie=5550001234, url="/5550001234"),
        '{"broken": "person6@example.org',
    ]


SECRETS = ("example.org", "cookie-0000", "5550001234", "person")


def every_byte_of_text(lake: Lake) -> str:
    """All values of all Parquet files, and the text of all others."""
    texts = [path.read_text() for path in lake.root.rglob("*.json")]
    with duckdb.connect() as connection:
        for path in lake.root.rglob("*.parquet"):
            texts.append(str(connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()))
    return "\n".join(texts)


@pytest.mark.parametrize("key", [b"sixteen bytes ok", KEY, b"k" * 64, b"k" * 65, bytes(range(200))])
def test_the_pseudonym_is_the_first_half_of_the_standard_hmac(key: bytes) -> None:
    texts = ["", "17850", "übung@example.org", "x" * 1000, "日本"]
    with duckdb.connect() as connection:
        set_key(connection, key)
        rows = connection.execute(f"SELECT t, {pseudonym_sql('t')} FROM (SELECT unnest(?) AS t)", [texts]).fetchall()
        assert connection.execute(f"SELECT {pseudonym_sql('NULL::VARCHAR')}").fetchall() == [(None,)]
    assert dict(rows) == {text: pseudonym(text, key) for text in texts}


def test_a_short_key_is_refused(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", personal_rows())
    with pytest.raises(ValueError, match="expected at least 16"):
        ingest_file(lake, path, personal_mapping(), shop, pseudonym_key=b"short")


def test_no_raw_id_is_left_anywhere(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", personal_rows())
    open_lake = Lake(tmp_path / "open")
    ingest_file(open_lake, path, personal_mapping(), shop, now=NOW)
    for secret in SECRETS:
        assert secret in every_byte_of_text(open_lake)  # the check would find it
    result = ingest_file(lake, path, personal_mapping(), shop, pseudonym_key=KEY, now=NOW)
    assert (result.entry.rows_accepted, result.entry.rows_quarantined) == (3, 3)
    text = every_byte_of_text(lake)
    for secret in SECRETS:
        assert secret not in text
    same = "event_id, event_ts, quantity, arrival_date, source_row"
    assert lake_rows(lake, same) == lake_rows(open_lake, same)
    ids = lake_rows(lake, "source_row, device_id, customer_id, source_session_id")
    assert ids[0] == (1, pseudonym("cookie-000001"), pseudonym("person1@example.org"), pseudonym("cookie-000001.17"))
    assert ids[2][1] == pseudonym("5550001234")
    _, url, note = lake_rows(lake, "source_row, page_url, properties")[0]
    assert pseudonym("person1@example.org") in note
    assert url.startswith("/account?mail=" + pseudonym("person1@example.org"))


def test_quarantined_objects_stay_readable_and_replay_to_the_same_ids(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", personal_rows())
    ingest_file(lake, path, personal_mapping(), shop, pseudonym_key=KEY, now=NOW)
    raw = {row: text for row, _, _, text in quarantine_rows(lake)}
    assert json.loads(raw[3])["cookie"] == pseudonym("cookie-000003")
    assert json.loads(raw[3])["user"]["mail"] == pseudonym("person3@example.org")
    assert raw[6].startswith("withheld: ")
    mended = personal_mapping(quantity={"sql": "CASE WHEN qty = 'dozen' THEN '12' ELSE qty END"})
    with pytest.raises(LedgerError, match="its replay needs the same key"):
        replay_quarantine(lake, mended, shop)
    (result,) = replay_quarantine(lake, mended, shop, pseudonym_key=KEY)
    assert (result.entry.rows_accepted, result.entry.rows_quarantined) == (1, 2)
    fresh = Lake(tmp_path / "fresh")
    ingest_file(fresh, path, mended, shop, pseudonym_key=KEY, now=NOW)
    columns = "event_id, device_id, customer_id, source_session_id, page_url, quantity, arrival_date, source_row"
    assert lake_rows(lake, columns) == lake_rows(fresh, columns)
    for secret in SECRETS:
        assert secret not in every_byte_of_text(lake)


def test_numbers_as_ids_and_keys_made_of_them(lake: Lake, tmp_path: Path, shop: Shop) -> None:
    """A float id is pseudonymised as its text; a natural key over it uses the pseudonym, so it cannot be guessed."""
    query = """SELECT 'view_item' AS name, TIMESTAMP '2024-03-01 10:00:00' AS at, 17850.0::DOUBLE AS who, q AS qty
               FROM (VALUES (1), (-1)) AS t(q)"""
    path = write_parquet(tmp_path / "log.parquet", query)
    columns = {"event_name": "name", "event_ts": "at", "customer_id": "who", "quantity": "qty"}
    changes = {"event_id": None, "event_key": ["who", "qty"], "identical_rows": "keep", "format": {"type": "parquet"}}
    mapping = event_mapping(columns=columns, **changes)
    open_lake = Lake(tmp_path / "open")
    ingest_file(open_lake, path, mapping, shop)
    ingest_file(lake, path, mapping, shop, pseudonym_key=KEY)
    assert lake_rows(lake, "customer_id") == [(pseudonym("17850"),)]
    assert lake_rows(lake, "event_id") != lake_rows(open_lake, "event_id")
    ((_, code, _, raw),) = quarantine_rows(lake)
    assert code == "out_of_range"
    assert "17850" not in raw

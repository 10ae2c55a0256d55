"""An opened file as SQL: the SELECTs that yield its rows under their source columns' names.

Columns of every ``RawRows.select``: ``__row`` (1-based record number), ``__element`` (0-based place
in the unnested list), ``__elements`` (length of that list, at least 1), ``__malformed`` (why the
record cannot be read, or NULL) and the source columns asked for under their own names.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from ingestion.csv_records import fields_sql
from ingestion.expressions import quote_identifier, quote_literal
from ingestion.mapping_models import FileFormat

ITEM_PREFIX = "item."


class SourceFileError(ValueError):
    """The file as a whole cannot be read with this mapping; the message names file and cause."""


@dataclass(frozen=True)
class PlainFields:
    """A CSV file that DuckDB's ``reader`` (SQL) takes apart into ``f1``, ``f2`` …; the first ``head`` records
    are no rows. Without ``spaces`` no field has anything to trim."""

    reader: str
    head: int
    spaces: bool


@dataclass(frozen=True)
class RawRows:
    """A file opened as ``ff_base``; ``known`` lists its columns (None where only the rows tell: JSON)."""

    file_name: str
    kind: str
    format: FileFormat
    unnest: str | None
    rows: int
    known: tuple[str, ...] | None
    #: DuckDB types of Parquet columns; a replay needs them to read quarantined rows as they were.
    types: dict[str, str] = field(default_factory=dict)
    #: Set for a CSV file without quotes; ``rows`` is then not known yet, and a broken record an error.
    plain: PlainFields | None = None

    def select(self, references: tuple[str, ...], numbered: bool = True) -> str:
        """SELECT of the source columns ``references`` plus the ``__`` columns.

        Without ``numbered`` the ``__row`` of a plain file is always 0 and records of its head are in: whoever
        stores the result has the numbers in ``rowid``, and numbering rows would keep all but one core waiting.
        """
        if self.plain is not None:
            return self._select_plain(self.plain, references, numbered)
        if self.kind == "csv":
            return self._select_csv(references)
        return self._select_parquet(references) if self.kind == "parquet" else self._select_json(references)

    @property
    def raw_text(self) -> tuple[str, str]:
        """SQL over ``ff_base`` for (format, text) of a quarantined record: a JSON object, or the line."""
        if self.kind == "parquet":
            columns = ", ".join(quote_identifier(name) for name in self.types)
            pairs = ", ".join(f"{quote_identifier(name)} := {quote_identifier(name)}" for name in self.types)
            return "'json'", f"to_json(struct_pack({pairs}))::VARCHAR" if columns else "'{}'"
        if self.kind == "jsonl":
            return f"CASE WHEN {_IS_OBJECT} THEN 'json' ELSE 'line' END", "__line"
        names = self.known or ()
        fields = fields_sql("__line", self.format.delimiter)
        pairs = ", ".join(f"{quote_literal(name)}, ({fields})[{place}]" for place, name in enumerate(names, 1))
        fits = f"__broken IS NULL AND len({fields}) = {len(names)}"
        return (
            f"CASE WHEN {fits} THEN 'json' ELSE 'line' END",
            f"CASE WHEN {fits} THEN json_object({pairs})::VARCHAR ELSE __line END",
        )

    def _text(self, sql: str) -> str:
        """``sql`` (VARCHAR) trimmed, with empty text and the mapping's null words as NULL."""
        untrimmed = self.plain is None or self.plain.spaces
        trimmed = f"nullif({f'trim({sql})' if untrimmed else sql}, '')"
        if not self.format.null_values:
            return trimmed
        words = ", ".join(quote_literal(word) for word in self.format.null_values)
        return f"CASE WHEN {trimmed} NOT IN ({words}) THEN {trimmed} END"

    def _select_plain(self, plain: PlainFields, references: tuple[str, ...], numbered: bool) -> str:
        names = self.known or ()
        missing(self.file_name, references, names)
        columns = "".join(
            f", {self._text(f'f{names.index(name) + 1}')} AS {quote_identifier(name)}" for name in references
        )
        # Only fields that are asked for are checked to be text, so all are; none of them is ever null.
        unread = [f"f{place} IS NULL" for place, name in enumerate(names, 1) if name not in references]
        malformed = f"CASE WHEN {' OR '.join(unread)} THEN 'not text' END" if unread else "NULL::VARCHAR"
        head = f"SELECT __row, 0::BIGINT AS __element, 1::BIGINT AS __elements, {malformed} AS __malformed"
        if not numbered:
            return f"{head} {columns} FROM (SELECT 0::BIGINT AS __row, * FROM {plain.reader})"
        rows = f"SELECT row_number() OVER () - {plain.head} AS __row, * FROM {plain.reader}"
        return f"{head} {columns} FROM ({rows}) WHERE __row > 0"

    def _select_csv(self, references: tuple[str, ...]) -> str:
        names = self.known or ()
        missing(self.file_name, references, names)
        width = len(names)
        columns = "".join(
            f", {self._text(f'f[{names.index(name) + 1}]')} AS {quote_identifier(name)}" for name in references
        )
        return f"""
            SELECT __row, 0::BIGINT AS __element, 1::BIGINT AS __elements,
                   CASE WHEN __broken IS NOT NULL THEN __broken
                        WHEN f IS NULL THEN 'quotes do not pair up'
                        WHEN len(f) <> {width} THEN len(f) || ' fields, expected {width}' END AS __malformed
                   {columns}
            FROM (SELECT __row, __broken, {fields_sql("__line", self.format.delimiter)} AS f FROM ff_base)"""

    def _select_json(self, references: tuple[str, ...]) -> str:
        places: dict[str, list[str]] = {}
        record_paths: list[str] = []
        element_paths: list[str] = []
        for name in references:
            inside = self.unnest is not None and name.startswith(ITEM_PREFIX)
            paths = element_paths if inside else record_paths
            alias = "e" if inside else "f"
            for pointer in _pointers(name.removeprefix(ITEM_PREFIX) if inside else name):
                paths.append(pointer)
                places.setdefault(name, []).append(f"{alias}[{len(paths)}]")
        columns = "".join(
            f", {self._json_column(name, places[name])} AS {quote_identifier(name)}" for name in references
        )
        extract = f"json_extract_string(__line, {_path_list(record_paths)})" if record_paths else "NULL::VARCHAR[]"
        listed = _json_list(self.unnest) if self.unnest else "NULL::JSON[]"
        wrong_list = "false"
        if self.unnest:
            item_type = f"json_type(__line, {quote_literal(_pointers(self.unnest)[-1])})"
            wrong_list = f"coalesce({item_type} NOT IN ('ARRAY', 'NULL'), false)"
        base = f"""
            SELECT *, CASE WHEN ok THEN {extract} END AS f,
                   CASE WHEN ok AND NOT wrong_list THEN {listed} END AS l
            FROM (SELECT *, CASE WHEN ok THEN {wrong_list} ELSE false END AS wrong_list
                  FROM (SELECT __row, __line, __broken, {_IS_OBJECT} AS ok FROM ff_base))"""
        if self.unnest:
            extract = f"json_extract_string(x, {_path_list(element_paths)})" if element_paths else "NULL::VARCHAR[]"
            base = f"""
                SELECT *, {extract} AS e FROM (
                    SELECT *, generate_subscripts(items, 1) - 1 AS __element, unnest(items) AS x
                    FROM (SELECT *, CASE WHEN len(l) > 0 THEN l ELSE [NULL::JSON] END AS items FROM ({base})))"""
        return f"""
            SELECT __row, {"__element" if self.unnest else "0::BIGINT AS __element"},
                   {"len(items)" if self.unnest else "1::BIGINT"} AS __elements,
                   CASE WHEN __broken IS NOT NULL THEN __broken
                        WHEN NOT ok THEN 'not a JSON object'
                        WHEN wrong_list THEN {quote_literal(f"{self.unnest} is not a list")} END AS __malformed
                   {columns}
            FROM ({base})"""

    def _json_column(self, name: str, places: list[str]) -> str:
        """Text of a JSON value; in a replay of Parquet rows, a value of the type that the column had."""
        if self.types.get(name, "VARCHAR") != "VARCHAR":
            value = f"json_extract(__line, {quote_literal(_pointers(name)[0])})"
            return f"CASE WHEN ok THEN TRY_CAST({value} AS {self.types[name]}) END"
        return self._text(f"coalesce({', '.join(places)})" if len(places) > 1 else places[0])

    def _select_parquet(self, references: tuple[str, ...]) -> str:
        outer = tuple(name for name in references if not (self.unnest and name.startswith(ITEM_PREFIX)))
        roots = tuple(name if name in self.types else name.split(".")[0] for name in outer)
        missing(self.file_name, (*roots, *((self.unnest,) if self.unnest else ())), tuple(self.types))
        columns = []
        for name in references:
            sql = self._parquet_column(name)
            columns.append(f", {sql} AS {quote_identifier(name)}")
        base = "SELECT *, 0::BIGINT AS __element, 1::BIGINT AS __elements FROM ff_base"
        if self.unnest:
            items = quote_identifier(self.unnest)
            base = f"""
                SELECT *, generate_subscripts(__items, 1) - 1 AS __element, len(__items) AS __elements,
                       unnest(__items) AS __item
                FROM (SELECT *, CASE WHEN len({items}) > 0 THEN {items} ELSE [NULL] END AS __items FROM ff_base)"""
        return f"SELECT __row, __element, __elements, NULL::VARCHAR AS __malformed {''.join(columns)} FROM ({base})"

    def _parquet_column(self, name: str) -> str:
        """SQL of a (nested) Parquet column; text columns get the null words taken out."""
        if self.unnest and name.startswith(ITEM_PREFIX):
            sql = ".".join(["__item", *(quote_identifier(part) for part in name.split(".")[1:])])
        elif name in self.types:
            sql = quote_identifier(name)
            return self._text(sql) if self.types[name] == "VARCHAR" else sql
        else:
            sql = ".".join(quote_identifier(part) for part in name.split("."))
        is_text = f"typeof({sql}) = 'VARCHAR'"
        words = ", ".join(quote_literal(word) for word in ("", *self.format.null_values))
        return f"CASE WHEN {is_text} AND trim({sql}::VARCHAR) IN ({words}) THEN NULL ELSE {sql} END"


_IS_OBJECT = "__broken IS NULL AND CASE WHEN json_valid(__line) THEN json_type(__line) = 'OBJECT' ELSE false END"


def missing(file_name: str, wanted: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Raise ``SourceFileError`` when a wanted column is not among the known ones."""
    absent = [name for name in wanted if name not in known]
    if absent:
        near = difflib.get_close_matches(absent[0], known, n=2)
        hint = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise SourceFileError(
            f"{file_name}: has no column {absent[0]!r}{hint}, which the mapping reads; "
            f"it has {', '.join(known) or 'none'}"
        )


def _pointers(name: str) -> list[str]:
    """JSON pointers (RFC 6901) that a dotted name may mean: a key with dots, or nested keys."""
    whole = "/" + name.replace("~", "~0").replace("/", "~1")
    nested = "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in name.split("."))
    return [whole] if whole == nested else [whole, nested]


def _path_list(pointers: list[str]) -> str:
    return "[" + ", ".join(quote_literal(pointer) for pointer in pointers) + "]"


def _json_list(name: str) -> str:
    return f"from_json(json_extract(__line, {quote_literal(_pointers(name)[-1])}), '[\"JSON\"]')"

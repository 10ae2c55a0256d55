"""From source rows to typed, judged rows: one SELECT derived from the contract and the mapping.

Levels of the SELECT, each a CTE over the one before: ``raw`` (source columns as read), ``origin``
(the value each rule points at, ``__m_x``), ``named`` (the event's name), ``source`` (maps and
``only_for`` applied, ``__s_x``, and the event's id), ``staged`` (numbers half read), ``cast_rows`` (contract
columns under their own names), ``judged`` (``__bad``). Reasons are spelled only for bad rows, from the
same list of checks that made them bad.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from ingestion.casting import Cast, Check, cast_column, is_number, text_sql
from ingestion.expressions import parse_expression, quote_identifier, quote_literal
from ingestion.mapping import MappingError
from ingestion.mapping_models import ColumnRule, SourceMapping
from ingestion.pseudonym import pseudonym_sql, replace_ids_sql
from ingestion.raw_rows import ITEM_PREFIX, RawRows
from ingestion.row_checks import mark, row_checks
from ingestion.shops import Shop

_SEPARATOR = "chr(31)"


@dataclass(frozen=True)
class TypedRows:
    """SQL of the judged rows (``rows``) and of the reasons of the bad ones (``reasons``: __row, reasons[])."""

    rows: str
    reasons: str
    columns: tuple[str, ...]
    #: SQL over ``columns`` of a row's content hash
    content: str
    #: source columns that hold personal ids; empty without a key
    ids: tuple[str, ...]
    #: SELECT of ``__row`` and, for the n-th of ``ids``, the raw id ``o<n>`` and its pseudonym ``p<n>``
    originals: str


def _hash_sql(parts: list[str]) -> str:
    return f"md5(concat_ws({_SEPARATOR}, {', '.join(parts)}))"


def _key_part(name: str) -> str:
    return f"coalesce({quote_identifier(name)}::VARCHAR, '')"


class RowBuilder:
    """Builds the SELECT for one opened file.

    ``file_arrival`` is the day in the file's name where the rule asks for it; ``ingest_day`` stands in
    where a bad row has no day of its own; ``row_arrival`` is SQL that overrides both (replays keep the
    day a row first arrived); ``pseudonymise`` replaces ids. ``build`` raises ``MappingError`` when a
    rule does not fit the file's types.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        raw: RawRows,
        mapping: SourceMapping,
        shop: Shop,
        file_arrival: date | None,
        ingest_day: date,
        pseudonymise: bool,
        row_arrival: str | None = None,
    ) -> None:
        self.connection = connection
        self.raw = raw
        self.mapping = mapping
        self.shop = shop
        self.file_arrival = file_arrival
        self.ingest_day = ingest_day
        self.pseudonymise = pseudonymise
        self.row_arrival = row_arrival
        self.contract = mapping.contract_definition
        self.is_events = mapping.contract == "events"
        self.rules = {
            column.name: mapping.columns[column.name]
            for column in self.contract.mappable
            if column.name in mapping.columns and not mapping.columns[column.name].items_total
        }
        if self.is_events and mapping.event_id is not None:
            self.rules["event_id"] = mapping.event_id

    def build(self) -> TypedRows:
        """The finished SQL."""
        origin = self._origin_sql()
        types = {row[0]: row[1] for row in self._describe(origin)}
        casts = self._casts(types)
        checks = row_checks(self.mapping, self.rules, casts)
        helpers = "".join(
            f", {sql} AS {quote_identifier(name)}" for cast in casts.values() for name, sql in cast.helpers.items()
        )
        values = ", ".join(f"{self._value(name, cast)} AS {quote_identifier(name)}" for name, cast in casts.items())
        originals = "".join(f", {raw}" for raw, _ in self._pairs())
        keyed_id = ", __event_id AS event_id" if self.is_events and self.mapping.event_key else ""
        levels = f"""
            WITH origin AS ({origin}),
            named AS (SELECT *{self._event_name(types)} FROM origin),
            source AS (SELECT __row, __element, __elements, __malformed, __skip {self._kept()} {originals}
                       {self._sources(types)} {self._event_id()} FROM named),
            staged AS (SELECT * {helpers} FROM source),
            cast_rows AS (SELECT *{keyed_id}, {values} FROM staged)
        """
        bad = " OR ".join(f"coalesce({check.condition}, false)" for check in checks)
        columns = self._columns(casts)
        rows = f"""{levels}
            SELECT __row, __element, __elements, __skip, NOT __skip AND ({bad}) AS __bad,
                   {self._arrival_sql()} AS __arrival, {self._content_sql(columns)} AS __content,
                   {", ".join(quote_identifier(name) for name in columns)}
            FROM cast_rows"""
        content = self._content_sql(columns)
        reasons = self._reasons_sql(levels, checks)
        return TypedRows(rows, reasons, columns, content, self._id_columns(), self._originals())

    # -- raw and origin ---------------------------------------------------------------------------

    def _describe(self, sql: str) -> list[tuple[str, str]]:
        try:
            return self.connection.execute(f"DESCRIBE {sql}").fetchall()
        except duckdb.Error as error:
            words = str(error).splitlines()[0]
            raise MappingError(f"mapping {self.mapping.source}: does not fit {self.raw.file_name}: {words}") from error

    def _id_columns(self) -> tuple[str, ...]:
        """Source columns that hold personal ids, when ids are to be replaced.

        Only whole top-level values can be replaced for certain, also in quarantined text.
        """
        if not self.pseudonymise:
            return ()
        names: dict[str, None] = {}
        for column in self.contract.mappable:
            rule = self.rules.get(column.name)
            if column.pii != "id" or rule is None or rule.constant is not None:
                continue
            if rule.column is None or (self.mapping.unnest and rule.column.startswith(ITEM_PREFIX)):
                raise MappingError(
                    f"mapping {self.mapping.source}: columns.{column.name}: pseudonyms need an id that is a source "
                    "column of the record itself, not computed and not inside a list"
                )
            names[rule.column] = None
        return tuple(names)

    def _pairs(self) -> list[tuple[str, str]]:
        """(raw id, pseudonym) identifiers of the id source columns."""
        return [(mark("o", name), quote_identifier(name)) for name in self._id_columns()]

    def _raw_sql(self) -> str:
        references = self.mapping.source_columns
        select = self.raw.select(references)
        if not self._id_columns():
            return select
        types = {row[0]: row[1] for row in self._describe(select)}
        texts = {name: text_sql(quote_identifier(name), types[name]) for name in self._id_columns()}
        replaced = ", ".join(f"{pseudonym_sql(text)} AS {quote_identifier(name)}" for name, text in texts.items())
        kept = "".join(f", {text} AS {mark('o', name)}" for name, text in texts.items())
        return f"SELECT * REPLACE ({replaced}){kept} FROM ({select})"

    def _originals(self) -> str:
        """SELECT of every row's raw ids beside their pseudonyms."""
        pairs = "".join(f", {raw} AS o{n}, {pseudonym} AS p{n}" for n, (raw, pseudonym) in enumerate(self._pairs()))
        return f"SELECT __row {pairs} FROM ({self._raw_sql()})"

    def _origin_sql(self) -> str:
        fields = ["*"]
        if self.mapping.keep is None:
            fields.append("false AS __skip")
        else:
            keep = parse_expression(self.mapping.keep).sql
            fields.append(f"__malformed IS NULL AND NOT coalesce(TRY(({keep})::BOOLEAN), false) AS __skip")
        for name, rule in self.rules.items():
            # A hash is worked out later, and only for the events that it is for.
            origin = "NULL::VARCHAR" if rule.hash_of else self._origin(rule)
            fields.append(f"{origin} AS {mark('m', name)}")
            if rule.expression:
                # TRY alone cannot tell a failing expression from one that yields NULL; the struct can.
                failed = f"__malformed IS NULL AND TRY({{'v': {rule.expression.sql}}}) IS NULL"
                fields.append(f"{failed} AS {mark('e', name)}")
        return f"SELECT {', '.join(fields)} FROM ({self._raw_sql()})"

    def _origin(self, rule: ColumnRule) -> str:
        if rule.column is not None:
            return quote_identifier(rule.column)
        if rule.expression:
            return f"TRY({rule.expression.sql})"
        if isinstance(rule.constant, bool):
            return str(rule.constant).lower()
        return quote_literal(rule.constant) if isinstance(rule.constant, str) else repr(rule.constant)

    def _hash_of(self, names: tuple[str, ...]) -> str:
        known = " OR ".join(f"{quote_identifier(name)} IS NOT NULL" for name in names)
        parts = [quote_literal(self.mapping.source), *(_key_part(name) for name in names)]
        return f"CASE WHEN {known} THEN {_hash_sql(parts)} END"

    # -- named and source -------------------------------------------------------------------------

    def _mapped(self, name: str, types: dict[str, str]) -> str:
        """The rule's value after its ``map``."""
        rule, origin = self.rules[name], mark("m", name)
        if rule.hash_of:
            return self._hash_of(rule.hash_of)
        type_name = types[f"__m_{name}"]
        if rule.map is not None:
            text = text_sql(origin, type_name)
            cases = " ".join(
                f"WHEN {quote_literal(key)} THEN {'NULL' if value is None else quote_literal(value)}"
                for key, value in rule.map.items()
            )
            return f"CASE {text} {cases} ELSE {text} END" if cases else text
        if name == "event_name":
            return text_sql(origin, type_name)
        if name == "currency":
            return f"coalesce(upper({text_sql(origin, type_name)}), {quote_literal(self.shop.currency)})"
        return f"nullif(trim({origin}), '')" if type_name == "VARCHAR" else origin

    def _event_name(self, types: dict[str, str]) -> str:
        return f", {self._mapped('event_name', types)} AS __s_event_name" if self.is_events else ""

    def _kept(self) -> str:
        """Columns of ``named`` that later levels still need: origins for maps, failure marks of expressions."""
        names = [f"__e_{name}" for name, rule in self.rules.items() if rule.expression]
        if self.is_events:
            names.append("__s_event_name")
        return "".join(f", {quote_identifier(name)}" for name in names) + "".join(
            f", {pseudonym}" for _, pseudonym in self._pairs()
        )

    def _sources(self, types: dict[str, str]) -> str:
        fields = [
            f", {text_sql(mark('m', name), types[f'__m_{name}'])} AS {mark('t', name)}"
            for name, rule in self.rules.items()
            if rule.map is not None
        ]
        for name, rule in self.rules.items():
            if name == "event_name":
                continue
            value = self._mapped(name, types)
            if rule.only_for:
                events = ", ".join(quote_literal(event) for event in rule.only_for)
                value = f"CASE WHEN __s_event_name IN ({events}) THEN {value} END"
            fields.append(f", {value} AS {mark('s', name)}")
        if "currency" not in self.rules and self._has_currency():
            fields.append(f", {quote_literal(self.shop.currency)} AS __s_currency")
        return "".join(fields)

    def _has_currency(self) -> bool:
        return any(column.name == "currency" for column in self.contract.columns)

    def _event_id(self) -> str:
        """The natural key's hash; the source's own id goes the way of every column."""
        if not (self.is_events and self.mapping.event_key):
            return ""
        source = quote_literal(self.mapping.source)

        def key(names: tuple[str, ...]) -> str:
            return _hash_sql([source, "coalesce(__s_event_name, '')", *(_key_part(name) for name in names)])

        cases = " ".join(
            f"WHEN {quote_literal(event)} THEN {key(names)}" for event, names in self.mapping.event_key_for.items()
        )
        default = key(self.mapping.event_key)
        return f", {f'CASE __s_event_name {cases} ELSE {default} END' if cases else default} AS __event_id"

    # -- cast and judged --------------------------------------------------------------------------

    def _casts(self, types: dict[str, str]) -> dict[str, Cast]:
        currency = "__s_currency" if "currency" in self.rules else quote_literal(self.shop.currency)
        casts = {}
        for column in self.contract.mappable:
            if column.name == "currency" and column.name not in self.rules:
                casts[column.name] = cast_column(column, ColumnRule(constant="X"), "VARCHAR", currency)
            elif column.name in self.rules:
                rule = self.rules[column.name]
                type_name = "VARCHAR" if rule.map is not None else types[f"__m_{column.name}"]
                if column.kind == "timestamp" and is_number(type_name) and rule.time is None:
                    raise MappingError(
                        f"mapping {self.mapping.source}: columns.{column.name}.time: missing; {rule.column} in "
                        f"{self.raw.file_name} holds numbers, expected epoch_s, epoch_ms or epoch_us"
                    )
                casts[column.name] = cast_column(column, rule, type_name, currency)
        return casts

    def _value(self, name: str, cast: Cast) -> str:
        """The cast value; the source's own event id carries the source's name, free text loses raw ids."""
        if name == "event_id":
            return f"{quote_literal(self.mapping.source + ':')} || ({cast.value})"
        column = self.contract.column(name)
        if self.pseudonymise and column.pii == "text":
            return replace_ids_sql(f"({cast.value})", self._pairs())
        return cast.value

    def _columns(self, casts: dict[str, Cast]) -> tuple[str, ...]:
        names = [column.name for column in self.contract.columns if column.name in casts]
        return ("event_id", *names) if self.is_events and self.mapping.event_key else tuple(names)

    def _arrival_sql(self) -> str:
        if self.row_arrival is not None:
            return self.row_arrival
        rule = self.mapping.arrival.rule
        if rule == "file_name":
            return f"DATE '{self.file_arrival}'"
        if rule == "ingest_day":
            return f"DATE '{self.ingest_day}'"
        moment = "received_ts" if rule == "received" else ("event_ts" if self.is_events else "updated_at")
        day = f"timezone({quote_literal(self.shop.timezone)}, timezone('UTC', {moment}))::DATE"
        return f"coalesce({day}, DATE '{self.ingest_day}')"

    def _content_sql(self, columns: tuple[str, ...]) -> str:
        """md5 over what the row says; when it was received is not part of what it says."""
        parts = [
            f"{quote_literal(name + '=')} || {quote_identifier(name)}::VARCHAR"
            for name in columns
            if name not in ("received_ts", "event_id")
        ]
        return _hash_sql(parts)

    def _reasons_sql(self, levels: str, checks: list[Check]) -> str:
        cases = ", ".join(
            f"CASE WHEN {check.condition} THEN {quote_literal(check.code + ': ')} || coalesce({check.words}, '') END"
            for check in checks
        )
        listed = f"list_filter([{cases}], lambda reason: reason IS NOT NULL)"
        return f"""{levels}
            SELECT __row, __element, {self._arrival_sql()} AS __arrival, {listed} AS reasons FROM cast_rows
            WHERE NOT __skip AND __row IN (SELECT __row FROM ff_typed WHERE __bad)"""

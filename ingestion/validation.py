"""From source rows to typed, judged rows: one SELECT derived from the contract and the mapping.

Levels of the SELECT, each a CTE over the one before: ``origin`` (the value each rule points at, ``__m_x``),
``named`` (the event's name), ``source`` (maps and ``only_for`` applied, ``__s_x``), ``staged`` (numbers half
read), ``cast_rows`` (contract columns under their own names), and last ``__bad``. Reasons are spelled only for
bad rows, from the same list of checks that made them bad.

The result is stored once, as ``ff_cells``, and kept narrow: only columns that the mapping fills, no constants,
names as enums, no ids or hashes (``late``: they follow from the columns when a row is written).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from ingestion.casting import Cast, Check, enum_type
from ingestion.expressions import quote_identifier, quote_literal
from ingestion.identity import EventKey, content_sql, event_key
from ingestion.mapping_models import SourceMapping
from ingestion.origins import Origins
from ingestion.raw_rows import RawRows
from ingestion.row_checks import row_checks
from ingestion.row_levels import RowLevels
from ingestion.shops import Shop


@dataclass(frozen=True)
class TypedRows:
    """SQL of one file's judged rows.

    ``cells`` is stored as ``ff_cells``; ``view`` over it is ``ff_typed``: ``__row``, ``__element``,
    ``__elements``, ``__skip``, ``__bad``, ``__arrival`` and the stored columns. ``reasons`` tells why rows are
    bad (__row, __element, __arrival, reasons[]).
    """

    cells: str
    view: str
    reasons: str
    #: contract columns that the mapping fills, in the contract's order
    columns: tuple[str, ...]
    #: those that ``ff_cells`` does not hold, as SQL over it
    late: dict[str, str]
    #: SQL over ``ff_cells`` of a row's content hash, and of what rows of one event have in common
    content: str
    identity: str
    #: source columns that hold personal ids; empty without a key
    ids: tuple[str, ...]
    #: SELECT of ``__row`` and, for the n-th of ``ids``, the raw id ``o<n>`` and its pseudonym ``p<n>``
    originals: str

    @property
    def stored(self) -> tuple[str, ...]:
        """The contract columns that ``ff_cells`` holds."""
        return tuple(name for name in self.columns if name not in self.late)


class RowBuilder:
    """Builds the SQL for one opened file.

    ``file_arrival`` is the day in the file's name where the rule asks for it; ``ingest_day`` stands in
    where a bad row has no day of its own; ``row_arrival`` is SQL that overrides both (replays keep the
    day a row first arrived); ``pseudonymise`` replaces ids; ``whole`` stores every column, for rows that lake
    rows are put beside. ``build`` raises ``MappingError`` when a rule does not fit the file's types.
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
        whole: bool = False,
    ) -> None:
        self.raw = raw
        self.mapping = mapping
        self.shop = shop
        self.file_arrival = file_arrival
        self.ingest_day = ingest_day
        self.pseudonymise = pseudonymise
        self.row_arrival = row_arrival
        self.whole = whole
        self.contract = mapping.contract_definition
        self.is_events = mapping.contract == "events"
        self.rules = {
            column.name: mapping.columns[column.name]
            for column in self.contract.mappable
            if column.name in mapping.columns and not mapping.columns[column.name].items_total
        }
        if self.is_events and mapping.event_id is not None:
            self.rules["event_id"] = mapping.event_id
        self.origins = Origins(connection, raw, mapping, self.rules, pseudonymise)

    def build(self) -> TypedRows:
        """The finished SQL."""
        types = self.origins.types()
        levels = RowLevels(self.origins, self.mapping, self.rules, self.shop, types)
        casts = levels.casts
        key = event_key(self.mapping, self.rules, types) if self.is_events and self.mapping.event_key else None
        checks = row_checks(self.mapping, self.rules, casts)
        columns = self._columns(casts)
        late = {} if self.whole else self._constants(casts)
        if key is not None and not self.whole:
            late["event_id"] = key.event_id
        contents = {name: late.get(name, quote_identifier(name)) for name in columns}
        cells = f"{levels.sql(key, numbered=False)} {self._cells_sql(columns, late, checks, key)}"
        return TypedRows(
            cells,
            self._view_sql(columns, late, key),
            self._reasons_sql(levels.sql(key, numbered=True), checks),
            columns,
            late,
            content_sql(self.mapping, self.rules, contents),
            key.identity if key is not None and not self.whole else "hash(event_id)",
            self.origins.id_columns(),
            self.origins.originals(),
        )

    def _cells_sql(
        self, columns: tuple[str, ...], late: dict[str, str], checks: list[Check], key: EventKey | None
    ) -> str:
        fields = []
        if self.raw.plain is None:
            fields.append(f"__row::{row_type(self.raw.rows)} AS __row")
        if self.mapping.unnest:
            fields += ["__element", "__elements"]
        if self.mapping.keep is not None:
            fields.append("__skip")
        bad = " OR ".join(f"coalesce({check.condition}, false)" for check in checks)
        fields.append(f"NOT __skip AND ({bad}) AS __bad")
        if self._constant_arrival() is None:
            fields.append(f"{self._arrival_sql()} AS __arrival")
        if key is not None and not self.whole:
            fields += [quote_identifier(name) for name in key.stored]
        for name in columns:
            if name == "event_id" and key is not None and self.whole:
                fields.append(f"{key.event_id} AS event_id")
            elif name not in late:
                fields.append(self._cell(name))
        return f"SELECT {', '.join(fields)} FROM cast_rows"

    def _cell(self, name: str) -> str:
        """A column as it is stored: one of few allowed words takes a byte as an enum."""
        column, sql = self.contract.column(name), quote_identifier(name)
        if not column.allowed:
            return sql
        return f"TRY_CAST({sql} AS {enum_type(column)}) AS {sql}"

    def _view_sql(self, columns: tuple[str, ...], late: dict[str, str], key: EventKey | None) -> str:
        plain, arrival = self.raw.plain, self._constant_arrival()
        fields = [
            # Rows are stored in the file's order: a row's place in the table is its place in the file.
            "__row" if plain is None else f"(rowid + {1 - plain.head})::UINTEGER AS __row",
            "__element" if self.mapping.unnest else "0::BIGINT AS __element",
            "__elements" if self.mapping.unnest else "1::BIGINT AS __elements",
            "false AS __skip" if self.mapping.keep is None else "__skip",
            "__bad",
            "__arrival" if arrival is None else f"{arrival} AS __arrival",
        ]
        if key is not None and not self.whole:
            fields += [quote_identifier(name) for name in key.stored]
        fields += [quote_identifier(name) for name in columns if name not in late]
        where = f" WHERE rowid >= {plain.head}" if plain is not None and plain.head else ""
        return f"SELECT {', '.join(fields)} FROM ff_cells{where}"

    def _constants(self, casts: dict[str, Cast]) -> dict[str, str]:
        """Text columns that are the same in every row, as literals."""
        constants = {}
        for name in casts:
            rule, column = self.rules.get(name), self.contract.column(name)
            if name == "currency" and rule is None:
                constants[name] = quote_literal(self.shop.currency)
            elif rule is None or not isinstance(rule.constant, str) or rule.only_for:
                continue
            elif column.kind == "text" and not column.allowed:
                # What is no valid value makes every row bad; it is never written.
                word = rule.constant.upper() if name == "currency" else rule.constant
                constants[name] = f"nullif(trim({quote_literal(word)}), '')"
        return constants

    def _constant_arrival(self) -> str | None:
        if self.row_arrival is None and self.mapping.arrival.rule in ("file_name", "ingest_day"):
            return self._arrival_sql()
        return None

    def _columns(self, casts: dict[str, Cast]) -> tuple[str, ...]:
        keyed = self.is_events and bool(self.mapping.event_key)
        return tuple(
            column.name
            for column in self.contract.columns
            if column.name in casts or (keyed and column.name == "event_id")
        )

    def _arrival_sql(self) -> str:
        if self.row_arrival is not None:
            return self.row_arrival
        rule = self.mapping.arrival.rule
        if rule == "file_name":
            return f"DATE '{self.file_arrival}'"
        if rule == "ingest_day":
            return f"DATE '{self.ingest_day}'"
        moment = "received_ts" if rule == "received" else ("event_ts" if self.is_events else "updated_at")
        # make_timestamptz reads a UTC time as a moment at half the cost of timezone('UTC', ...)
        day = f"timezone({quote_literal(self.shop.timezone)}, make_timestamptz(epoch_us({moment})))::DATE"
        return f"coalesce({day}, DATE '{self.ingest_day}')"

    def _reasons_sql(self, levels: str, checks: list[Check]) -> str:
        cases = ", ".join(
            f"CASE WHEN {check.condition} THEN {quote_literal(check.code + ': ')} || coalesce({check.words}, '') END"
            for check in checks
        )
        listed = f"list_filter([{cases}], lambda reason: reason IS NOT NULL)"
        return f"""{levels}
            SELECT __row, __element, {self._arrival_sql()} AS __arrival, {listed} AS reasons FROM cast_rows
            WHERE NOT __skip AND __row IN (SELECT __row FROM ff_typed WHERE __bad)"""


def row_type(rows: int) -> str:
    """DuckDB type that row numbers up to ``rows`` are stored as; a narrow one makes sorting cheaper."""
    return "UINTEGER" if rows < 2**32 else "BIGINT"

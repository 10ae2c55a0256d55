"""The first level of a load's SELECT: what each rule of a mapping points at, before any of it is judged.

Yields per row the source columns under their own names, ``__skip`` (the mapping leaves the row out),
``__m_x`` (the value that the rule of contract column x points at) and ``__e_x`` (its expression failed).
Personal ids are replaced here, so that nothing later ever sees one.
"""

from __future__ import annotations

import duckdb

from ingestion.casting import text_sql
from ingestion.expressions import parse_expression, quote_identifier, quote_literal
from ingestion.mapping import MappingError
from ingestion.mapping_models import ColumnRule, SourceMapping
from ingestion.pseudonym import pseudonym_sql
from ingestion.raw_rows import ITEM_PREFIX, RawRows
from ingestion.row_checks import mark


class Origins:
    """Builds that level for one opened file; ``MappingError`` where a rule does not fit the file."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        raw: RawRows,
        mapping: SourceMapping,
        rules: dict[str, ColumnRule],
        pseudonymise: bool,
    ) -> None:
        self.connection = connection
        self.raw = raw
        self.mapping = mapping
        self.rules = rules
        self.pseudonymise = pseudonymise

    def types(self) -> dict[str, str]:
        """DuckDB types of the level's columns."""
        return self._describe(self.sql(numbered=True))

    def _describe(self, sql: str) -> dict[str, str]:
        try:
            return {row[0]: row[1] for row in self.connection.execute(f"DESCRIBE {sql}").fetchall()}
        except duckdb.Error as error:
            words = str(error).splitlines()[0]
            raise MappingError(f"mapping {self.mapping.source}: does not fit {self.raw.file_name}: {words}") from error

    def id_columns(self) -> tuple[str, ...]:
        """Source columns that hold personal ids, when ids are to be replaced.

        Only whole top-level values can be replaced for certain, also in quarantined text.
        """
        if not self.pseudonymise:
            return ()
        names: dict[str, None] = {}
        for column in self.mapping.contract_definition.mappable:
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

    def pairs(self) -> list[tuple[str, str]]:
        """(raw id, pseudonym) identifiers of the id source columns."""
        return [(mark("o", name), quote_identifier(name)) for name in self.id_columns()]

    def originals(self) -> str:
        """SELECT of ``__row`` and, for the n-th id column, the raw id ``o<n>`` and its pseudonym ``p<n>``."""
        pairs = "".join(f", {raw} AS o{n}, {pseudonym} AS p{n}" for n, (raw, pseudonym) in enumerate(self.pairs()))
        return f"SELECT __row {pairs} FROM ({self._raw_sql(numbered=True)})"

    def _raw_sql(self, numbered: bool) -> str:
        select = self.raw.select(self.mapping.source_columns, numbered)
        if not self.id_columns():
            return select
        types = self._describe(select)
        texts = {name: text_sql(quote_identifier(name), types[name]) for name in self.id_columns()}
        replaced = ", ".join(f"{pseudonym_sql(text)} AS {quote_identifier(name)}" for name, text in texts.items())
        kept = "".join(f", {text} AS {mark('o', name)}" for name, text in texts.items())
        return f"SELECT * REPLACE ({replaced}){kept} FROM ({select})"

    def sql(self, numbered: bool) -> str:
        """The level; ``numbered`` as in ``RawRows.select``."""
        fields = ["*"]
        if self.mapping.keep is None:
            fields.append("false AS __skip")
        else:
            keep = parse_expression(self.mapping.keep).sql
            fields.append(f"__malformed IS NULL AND NOT coalesce(TRY(({keep})::BOOLEAN), false) AS __skip")
        for name, rule in self.rules.items():
            # A hash is worked out later, and only for the events that it is for.
            origin = "NULL::VARCHAR" if rule.hash_of else _origin(rule)
            fields.append(f"{origin} AS {mark('m', name)}")
            if rule.expression:
                # TRY alone cannot tell a failing expression from one that yields NULL; the struct can.
                failed = f"__malformed IS NULL AND TRY({{'v': {rule.expression.sql}}}) IS NULL"
                fields.append(f"{failed} AS {mark('e', name)}")
        return f"SELECT {', '.join(fields)} FROM ({self._raw_sql(numbered)})"


def _origin(rule: ColumnRule) -> str:
    if rule.column is not None:
        return quote_identifier(rule.column)
    if rule.expression:
        return f"TRY({rule.expression.sql})"
    if isinstance(rule.constant, bool):
        return str(rule.constant).lower()
    return quote_literal(rule.constant) if isinstance(rule.constant, str) else repr(rule.constant)

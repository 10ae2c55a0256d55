"""The middle levels of a load's SELECT: what the rules point at becomes typed contract columns.

``named`` has the event's name, ``source`` the values after ``map`` and ``only_for`` (``__s_x``: trimmed, null
when empty) and the event's key, ``staged`` numbers half read, ``cast_rows`` the contract columns.
"""

from __future__ import annotations

from ingestion.casting import Cast, cast_column, is_number, text_sql
from ingestion.expressions import quote_identifier, quote_literal
from ingestion.identity import EventKey, hash_of_sql
from ingestion.mapping import MappingError
from ingestion.mapping_models import ColumnRule, SourceMapping
from ingestion.origins import Origins
from ingestion.pseudonym import replace_ids_sql
from ingestion.row_checks import mark
from ingestion.shops import Shop


class RowLevels:
    """Builds those levels over ``origins``, whose columns have the DuckDB ``types``.

    ``casts`` says how each contract column that the mapping fills is computed. ``MappingError`` when a rule
    does not fit the file's types.
    """

    def __init__(
        self,
        origins: Origins,
        mapping: SourceMapping,
        rules: dict[str, ColumnRule],
        shop: Shop,
        types: dict[str, str],
    ) -> None:
        self.origins = origins
        self.mapping = mapping
        self.rules = rules
        self.shop = shop
        self.types = types
        self.contract = mapping.contract_definition
        self.is_events = mapping.contract == "events"
        self.casts = self._casts()

    def sql(self, key: EventKey | None, numbered: bool) -> str:
        """The WITH clause down to ``cast_rows``; ``numbered`` as in ``RawRows.select``."""
        helpers = "".join(
            f", {sql} AS {quote_identifier(name)}" for cast in self.casts.values() for name, sql in cast.helpers.items()
        )
        values = "".join(
            f", {self._value(name, cast)} AS {quote_identifier(name)}" for name, cast in self.casts.items()
        )
        originals = "".join(f", {raw}" for raw, _ in self.origins.pairs())
        keys = {} if key is None else key.stored
        kept = "".join(f", {sql} AS {quote_identifier(name)}" for name, sql in keys.items())
        return f"""
            WITH origin AS ({self.origins.sql(numbered)}),
            named AS (SELECT *{self._event_name()} FROM origin),
            source AS (SELECT __row, __element, __elements, __malformed, __skip {self._kept()} {originals} {kept}
                       {self._sources()} FROM named),
            staged AS (SELECT * {helpers} FROM source),
            cast_rows AS (SELECT * {values} FROM staged)"""

    def _mapped(self, name: str) -> str:
        """The rule's value after its ``map``."""
        rule, origin = self.rules[name], mark("m", name)
        if rule.hash_of:
            return hash_of_sql(self.mapping.source, rule.hash_of)
        text = self._text(name)
        if rule.map is not None:
            words = {key: (value or "").strip(" ") for key, value in rule.map.items()}
            cases = " ".join(
                f"WHEN {quote_literal(key)} THEN {quote_literal(word) if word else 'NULL'}"
                for key, word in words.items()
            )
            return f"CASE {text} {cases} ELSE {text} END" if cases else text
        if name == "event_name":
            return text
        if name == "currency":
            return f"coalesce(upper({text}), {quote_literal(self.shop.currency)})"
        return text if self.types[f"__m_{name}"] == "VARCHAR" else origin

    def _text(self, name: str) -> str:
        """What the rule points at as trimmed text; most columns are read trimmed."""
        rule, type_name = self.rules[name], self.types[f"__m_{name}"]
        read_trimmed = rule.column is not None and (
            self.origins.raw.kind != "parquet" or rule.column in self.origins.raw.types
        )
        return mark("m", name) if read_trimmed and type_name == "VARCHAR" else text_sql(mark("m", name), type_name)

    def _event_name(self) -> str:
        return f", {self._mapped('event_name')} AS __s_event_name" if self.is_events else ""

    def _kept(self) -> str:
        """Columns of ``named`` that later levels still need: origins for maps, failure marks of expressions."""
        names = [f"__e_{name}" for name, rule in self.rules.items() if rule.expression]
        if self.is_events:
            names.append("__s_event_name")
        return "".join(f", {quote_identifier(name)}" for name in names) + "".join(
            f", {pseudonym}" for _, pseudonym in self.origins.pairs()
        )

    def _sources(self) -> str:
        fields = [
            f", {self._text(name)} AS {mark('t', name)}" for name, rule in self.rules.items() if rule.map is not None
        ]
        for name, rule in self.rules.items():
            if name == "event_name":
                continue
            value = self._mapped(name)
            if rule.only_for:
                events = ", ".join(quote_literal(event) for event in rule.only_for)
                value = f"CASE WHEN __s_event_name IN ({events}) THEN {value} END"
            fields.append(f", {value} AS {mark('s', name)}")
        if "currency" not in self.rules and self._has_currency():
            fields.append(f", {quote_literal(self.shop.currency)} AS __s_currency")
        return "".join(fields)

    def _has_currency(self) -> bool:
        return any(column.name == "currency" for column in self.contract.columns)

    def _casts(self) -> dict[str, Cast]:
        currency = "__s_currency" if "currency" in self.rules else quote_literal(self.shop.currency)
        casts = {}
        for column in self.contract.mappable:
            if column.name == "currency" and column.name not in self.rules:
                casts[column.name] = cast_column(column, ColumnRule(constant="X"), "VARCHAR", currency)
            elif column.name in self.rules:
                rule = self.rules[column.name]
                type_name = "VARCHAR" if rule.map is not None else self.types[f"__m_{column.name}"]
                if column.kind == "timestamp" and is_number(type_name) and rule.time is None:
                    raise MappingError(
                        f"mapping {self.mapping.source}: columns.{column.name}.time: missing; {rule.column} in "
                        f"{self.origins.raw.file_name} holds numbers, expected epoch_s, epoch_ms or epoch_us"
                    )
                casts[column.name] = cast_column(column, rule, type_name, currency)
        return casts

    def _value(self, name: str, cast: Cast) -> str:
        """The cast value; the source's own event id carries the source's name, free text loses raw ids."""
        if name == "event_id":
            return f"{quote_literal(self.mapping.source + ':')} || ({cast.value})"
        column = self.contract.column(name)
        if self.origins.pseudonymise and column.pii == "text":
            return replace_ids_sql(f"({cast.value})", self.origins.pairs())
        return cast.value

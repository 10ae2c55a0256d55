"""The rules of portable SQL: what one engine alone understands, and what to write instead.

They are those of docs/governance.md. A pattern sees SQL without comments, text literals and Jinja.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A ``pattern`` over bare SQL (or over bare Jinja), what it is called, and what to write instead."""

    name: str
    pattern: re.Pattern[str]
    instead: str
    in_jinja: bool = False


def _pattern(name: str, pattern: str, instead: str, in_jinja: bool = False) -> Rule:
    return Rule(name, re.compile(pattern, re.IGNORECASE), instead, in_jinja)


def _functions(name: str, functions: str, instead: str) -> Rule:
    """Calls of any of these; ``functions`` are patterns apart by blanks."""
    return _pattern(name, rf"\b({'|'.join(functions.split())})\s*\(", instead)


_MACRO = "a dispatched macro in macros/cross_db"
_WINDOW = "row_number() in a CTE, then `where` on it"

RULES = (
    _pattern("qualify", r"\bqualify\b", _WINDOW),
    _pattern("distinct on", r"\bdistinct\s+on\b", _WINDOW),
    _functions("joined text", "string_agg listagg group_concat", "{{ texts_in_order(text) }}"),
    _pattern(
        "ordered aggregate",
        r"\b(array_agg|list|first|last|sum|min|max|any_value)\s*\((?:[^()]|\([^()]*\))*?\border\s+by\b",
        f"a window function, or {_MACRO}",
    ),
    _functions("unnest", "unnest flatten explode", "{{ rows_of_list(list) }}"),
    _pattern("json operator or lambda", r"->>?", f"{_MACRO} (Spark: get_json_object, transform)"),
    _functions("json function", r"json_\w+ to_json from_json", f"{_MACRO} (Spark: get_json_object)"),
    _pattern("asof join", r"\basof\b", "a join on a range, or a window function"),
    _pattern("positional join", r"\bpositional\s+join\b", "a join on row_number()"),
    _pattern("semi or anti join", r"\b(semi|anti)\s+join\b", "`exists` or `not exists`"),
    _functions("day of week", "dayofweek isodow weekday dayname weekofyear yearweek", f"{_MACRO}: engines differ"),
    _pattern("day of week", r"\bextract\s*\(\s*(dow|isodow|dayofweek|week|isoyear)\b", f"{_MACRO}: engines differ"),
    _functions("date_part", "date_part datepart", "extract(… from …)"),
    _pattern("floor division", r"//", "{{ whole_division(part, whole) }}"),
    _pattern("cast by ::", r"::", "cast(… as …)"),
    _pattern("dateadd", r"\b(dateadd|date_add)\s*\(", "ts + interval '30' minute; date + 1"),
    _pattern("dateadd", r"\bdateadd\s*\(", "ts + interval '30' minute; date + 1", in_jinja=True),
    _functions("date_diff", "date_diff date_sub datesub datediff", "{{ days_between(earlier, later) }}"),
    _functions("epoch", r"epoch\w* to_timestamp make_timestamp\w*", "{{ epoch_us(ts) }}"),
    _functions("time as text", "strftime strptime try_strptime", _MACRO),
    _functions("list function", r"list_\w+ list array_\w+ range generate_series", f"rows, or {_MACRO}"),
    _pattern("list or struct literal", r"[\[{]", f"columns, or {_MACRO}"),
    _functions("struct function", r"struct_\w+ struct row map_\w+ map", f"columns, or {_MACRO}"),
    _functions(
        "arg_min, arg_max",
        r"arg_min\w* arg_max\w*",
        "{{ first_value_by_time(x) }} or {{ last_value_by_time(x) }}; min_by, max_by where the order is total",
    ),
    _functions(
        "regular expression function",
        r"regexp_matches regexp_full_match regexp_split_to_\w+ string_split\w* str_split\w* split_part",
        f"{{{{ matches(text, pattern) }}}}, or {_MACRO}",
    ),
    _pattern("regular expression operator", r"!?~+\*?", "{{ matches(text, pattern) }}"),
    _functions("quantile", r"quantile\w* approx_\w+ median mode", f"ntile, or {_MACRO}"),
    _functions("engine's own hash", "hash xxhash64 md5_number sha1 sha256", "{{ hash_key([…]) }}"),
    _functions("reading files", r"read_\w+", "source('lake', …)"),
    _pattern("group or order by all", r"\b(group|order)\s+by\s+all\b", "name the columns"),
    _pattern("star with changes", r"\*\s*(exclude|replace|rename)\b|\bcolumns\s*\(", "name the columns"),
    _pattern("union by name", r"\bunion\s+(all\s+)?by\s+name\b", "name the columns in each part"),
    _pattern("pivot", r"\b(un)?pivot\b", "max(case when … then … end)"),
    _functions(
        "value that depends on row order",
        "any_value first last arbitrary",
        "min or max, or {{ first_value_by_time(x) }}",
    ),
)

#: For models alone: macros of the engine and tests may know what time it is.
CLOCK = _pattern(
    "wall clock",
    r"\b(now|today|getdate|get_current_timestamp)\s*\(|\b(current_date|current_timestamp|localtimestamp)\b",
    "the run's days (in_window) or a date from the data: a table must not depend on when it is built",
)

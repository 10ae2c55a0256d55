"""SQL with Jinja in it, laid bare: what is code stays where it is, all else becomes blanks.

Every function keeps length and line breaks, so that a place found in the result is a place in the file.
"""

from __future__ import annotations

import re

# In the order of the alternatives: what begins first wins, as in a tokenizer.
_TOKEN = re.compile(
    r"""
      (?P<jinja_comment>\{\#.*?\#\})
    | (?P<statement>\{%.*?%\})
    | (?P<expression>\{\{.*?\}\})
    | (?P<line_comment>--[^\n]*)
    | (?P<block_comment>/\*.*?\*/)
    | (?P<text>'(?:[^']|'')*')
    | (?P<identifier>"(?:[^"]|"")*")
    """,
    re.DOTALL | re.VERBOSE,
)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
# What these are handed is no SQL: names, settings.
_NO_SQL = re.compile(r"\{\{-?\s*(config|ref|source|doc|metric|in_window|in_written_days|log_\w+)\s*\(")
_DUCKDB_MACRO = re.compile(r"\{%-?\s*macro\s+duckdb__\w+.*?\{%-?\s*endmacro\s*-?%\}", re.DOTALL)
_EXPRESSION = re.compile(r"""\bexpression:\s*(["'])(.*?)(?<!\\)\1""")


def bare_sql(text: str) -> str:
    """The SQL alone, without comments, text literals and Jinja; SQL that Jinja calls take as text is kept."""
    return _TOKEN.sub(_sql_of, text)


def bare_jinja(text: str) -> str:
    """Jinja expressions and statements alone, without the text literals in them."""
    return _TOKEN.sub(
        lambda match: (
            _QUOTED.sub(lambda quoted: _blank(quoted.group()), match.group())
            if match.lastgroup in ("expression", "statement")
            else _blank(match.group())
        ),
        text,
    )


def without_comments(text: str) -> str:
    """The file with comments of SQL and Jinja blanked."""
    return _TOKEN.sub(
        lambda match: _blank(match.group()) if str(match.lastgroup).endswith("comment") else match.group(), text
    )


def without_duckdb_macros(text: str) -> str:
    """The file with the bodies of ``duckdb__…`` macros blanked: what is dispatched may be an engine's own."""
    return _DUCKDB_MACRO.sub(lambda match: _blank(match.group()), text)


def expressions_of_tests(text: str) -> str:
    """A yml file with all but the SQL of its tests' ``expression`` arguments blanked."""
    kept = list(_blank(text))
    for match in _EXPRESSION.finditer(text):
        kept[match.start(2) : match.end(2)] = match.group(2)
    return "".join(kept)


def line_of(text: str, position: int) -> int:
    """The line, counted from 1, on which a position lies."""
    return text.count("\n", 0, position) + 1


def _sql_of(match: re.Match[str]) -> str:
    found = match.group()
    if match.lastgroup != "expression" or _NO_SQL.match(found):
        return _blank(found)
    kept = list(_blank(found))
    for quoted in _QUOTED.finditer(found):
        inner = quoted.group()[1:-1]
        # text inside the text (`"event_name = 'x->y'"`) is a literal again
        kept[quoted.start() + 1 : quoted.end() - 1] = _TOKEN.sub(lambda part: _blank(part.group()), inner)
    return "".join(kept)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)

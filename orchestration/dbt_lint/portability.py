"""Names SQL in models, tests and macros that one engine alone understands.

The models are to run on Spark too (docs/governance.md). An engine's own SQL belongs in a dispatched macro
under ``macros/cross_db`` (or in a ``duckdb__`` macro elsewhere), with its Spark twin beside it. A line that
must stay says why in a comment ``-- duckdb only: <reason>`` on it or on the line above.

Regular expressions over the bare SQL (``sql_text``), not a parser: the files are Jinja, and rendering
them needs a warehouse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.dbt_lint.portability_rules import CLOCK, RULES
from orchestration.dbt_lint.sql_text import (
    bare_jinja,
    bare_sql,
    expressions_of_tests,
    line_of,
    without_duckdb_macros,
)

#: Folders of the dbt project that are looked at, and those in them that hold an engine's own SQL on purpose.
FOLDERS = ("models", "tests", "macros")
ENGINE_FOLDERS = ("macros/cross_db", "macros/engine")
_EXCUSE = re.compile(r"--\s*duckdb only:\s*\S")


@dataclass(frozen=True)
class Violation:
    """One place that breaks a rule."""

    path: Path
    line: int
    name: str
    found: str
    instead: str

    def in_words(self, root: Path) -> str:
        """``file:line: name (found): instead``, the file relative to ``root``."""
        path = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        return f"{path}:{self.line}: {self.name} (`{self.found}`): {self.instead}"


def find_violations(project: Path) -> list[Violation]:
    """All violations under a dbt project folder, by file and line."""
    found: list[Violation] = []
    for folder in FOLDERS:
        for path in sorted((project / folder).rglob("*.sql")):
            inside = path.relative_to(project).as_posix()
            if not inside.startswith(ENGINE_FOLDERS):
                found += violations_in(path, path.read_text(encoding="utf-8"), no_clock=folder == "models")
        for path in sorted((project / folder).rglob("*.yml")):
            found += violations_in(path, expressions_of_tests(path.read_text(encoding="utf-8")))
    return found


def violations_in(path: Path, text: str, no_clock: bool = True) -> Iterator[Violation]:
    """The violations in one file's text, by line; models (``no_clock``) may not read the clock either."""
    text = without_duckdb_macros(text)
    sql, jinja = bare_sql(text), bare_jinja(text)
    lines = text.splitlines()
    places = [
        (line_of(text, match.start()), match, rule)
        for rule in (*RULES, *([CLOCK] if no_clock else []))
        for match in rule.pattern.finditer(jinja if rule.in_jinja else sql)
    ]
    for line, match, rule in sorted(places, key=lambda place: (place[1].start(), place[2].name)):
        # the formatter moves a long line's comment to the line above
        if not any(_EXCUSE.search(near) for near in lines[max(line - 2, 0) : line]):
            yield Violation(path, line, rule.name, " ".join(match.group().split()), rule.instead)

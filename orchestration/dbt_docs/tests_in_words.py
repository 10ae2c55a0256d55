"""What a dbt test asks, in words: for the data dictionary and for Dagster's checks.

A generic test's words are, in this order: its yml's ``meta.words`` with the test's arguments in braces
(``macros/generic_tests.yml``), or the comment above it in its file with the arguments listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import Any

from orchestration.dbt_in_process import PROJECT_FOLDER

#: dbt's own generic tests.
_STOCK = {
    "accepted_values": "`{column_name}` is one of {values}.",
    "not_null": "`{column_name}` is never null.",
    "unique": "`{column_name}` is unique.",
    "relationships": "`{column_name}` is found in `{to}`.",
}


def test_in_words(test: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """One sentence or two; the test's own ``description`` where its yml gives one."""
    if test.get("description", "").strip():
        return " ".join(test["description"].split())
    about = test.get("test_metadata")
    if not about:
        return f"Singular test `{test['name']}`."
    arguments = {key: value for key, value in about["kwargs"].items() if key != "model"}
    macro = _macro_of(about["name"], test, manifest)
    words = _STOCK.get(about["name"]) or ((macro or {}).get("meta") or {}).get("words")
    if words and all(field in arguments for _, field, _, _ in Formatter().parse(words) if field):
        return words.format(**{key: _listed(value) for key, value in arguments.items()})
    said = _comment_above(macro["original_file_path"], macro["name"].removeprefix("test_")) if macro else ""
    said = said or f"`{about['name']}`."
    listed = "; ".join(f"{key}: {_listed(value, quote=True)}" for key, value in sorted(arguments.items()))
    return f"{said} ({listed})" if listed else said


def _macro_of(name: str, test: Mapping[str, Any], manifest: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for unique_id in test["depends_on"]["macros"]:
        macro = manifest["macros"].get(unique_id)
        if macro is not None and macro["name"] == f"test_{name}" and macro["package_name"] == test["package_name"]:
            return dict(macro)
    return None


@cache
def _comment_above(file: str, test: str) -> str:
    """The first sentence of the Jinja comment right above a generic test; empty where there is none."""
    path = PROJECT_FOLDER / file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(r"\{#((?:(?!#\}).)*)#\}\s*\{%-?\s*test\s+" + re.escape(test) + r"\b", text, re.DOTALL)
    if not found:
        return ""
    words = " ".join(found.group(1).split())
    return words.partition(". ")[0].rstrip(".") + "."


def _listed(value: object, quote: bool = False) -> str:
    if isinstance(value, Mapping):
        value = list(value)
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value)
    text = " ".join(str(value).split())
    named = re.fullmatch(r"(?:ref|source)\((.*)\)", text)
    text = named.group(1).replace("'", "").replace('"', "").replace(", ", ".") if named else text
    return f"`{text}`" if quote else text

"""What a dbt test asks, in words: for the data dictionary and for Dagster's checks.

A generic test says its own words in its yml (`tests/generic/generic_tests.yml`: `meta.words`, with the
test's arguments in braces); one without is shown by name and arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

#: dbt's own generic tests.
_STOCK = {
    "accepted_values": "`{column_name}` is one of {values}.",
    "not_null": "`{column_name}` is never null.",
    "unique": "`{column_name}` is unique.",
    "relationships": "`{column_name}` is found in {to}.",
}


def test_in_words(test: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """One sentence; the test's own ``description`` where its yml gives one."""
    if test.get("description", "").strip():
        return " ".join(test["description"].split())
    about = test.get("test_metadata")
    if not about:
        return f"Singular test `{test['name']}`."
    arguments = {key: _shown(value) for key, value in about["kwargs"].items() if key != "model"}
    words = _words_of(about["name"], test, manifest)
    if words is None:
        listed = ", ".join(f"{key} = {value}" for key, value in sorted(arguments.items()))
        return f"`{about['name']}`{': ' + listed if listed else ''}."
    wanted = [field for _, field, _, _ in Formatter().parse(words) if field]
    if any(field not in arguments for field in wanted):
        return f"`{about['name']}`."
    return words.format(**arguments)


def _words_of(name: str, test: Mapping[str, Any], manifest: Mapping[str, Any]) -> str | None:
    if name in _STOCK:
        return _STOCK[name]
    for unique_id in test["depends_on"]["macros"]:
        macro = manifest["macros"].get(unique_id)
        if macro is not None and macro["name"] == f"test_{name}":
            meta = macro.get("meta") or macro.get("config", {}).get("meta") or {}
            return meta.get("words") or None
    return None


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value)
    text = " ".join(str(value).split())
    return text.removeprefix("ref('").removesuffix("')") if text.startswith("ref('") else text

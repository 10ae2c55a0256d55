"""Reading source mappings: YAML files that say how a foreign log becomes rows of the contract.

``load_mapping`` reads one, checks it and returns a ``SourceMapping``. Everything that is wrong with a
file is reported at once in one ``MappingError``. The vocabulary is the models in ``ingestion.mapping_models``.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from ingestion.mapping_checks import contract_problems
from ingestion.mapping_models import SourceMapping

SOURCES_FOLDER = Path(__file__).parent / "sources"


class MappingError(ValueError):
    """A mapping cannot be used; the message names file, key path and what was expected."""


def resolve_mapping_path(name_or_path: str | Path) -> Path:
    """The file behind a shipped mapping's name or a path; ``MappingError`` when there is none."""
    path = Path(name_or_path)
    if path.suffix in (".yml", ".yaml"):
        if not path.is_file():
            raise MappingError(f"{path}: no such mapping file")
        return path
    shipped = SOURCES_FOLDER / f"{name_or_path}.yml"
    if not re.fullmatch(r"[a-z0-9_]+", str(name_or_path)) or not shipped.is_file():
        known = sorted(file.stem for file in SOURCES_FOLDER.glob("*.yml"))
        near = difflib.get_close_matches(str(name_or_path), known, n=3) or known
        raise MappingError(
            f"source {str(name_or_path)!r}: no shipped mapping, expected {', '.join(near)} or a .yml file"
        )
    return shipped


def parse_mapping(data: Any, origin: str) -> SourceMapping:
    """A ``SourceMapping`` from parsed YAML; ``origin`` (file name) leads every error line."""
    if not isinstance(data, dict):
        raise MappingError(f"{origin}: expected keys and values, found {type(data).__name__}")
    try:
        mapping = SourceMapping.model_validate(data)
    except ValidationError as error:
        lines = [_pydantic_line(problem) for problem in error.errors()]
        raise MappingError("\n".join(f"{origin}: {line}" for line in lines)) from error
    problems = contract_problems(mapping)
    if problems:
        raise MappingError("\n".join(f"{origin}: {problem}" for problem in problems))
    return mapping


def _pydantic_line(problem: Any) -> str:
    path = ".".join(str(part) for part in problem["loc"]) or "(top)"
    if problem["type"] == "extra_forbidden":
        return f"{path}: unknown key"
    if problem["type"] == "missing":
        return f"{path}: missing"
    words = problem["msg"].removeprefix("Value error, ")
    found = "" if isinstance(problem["input"], (dict, list, BaseModel)) else f" (found {problem['input']!r})"
    return f"{path}: {words}{found}"


def load_mapping(name_or_path: str | Path) -> SourceMapping:
    """Read a mapping by shipped name (``taobao_userbehavior``) or path (``my/log.yml``).

    Raises ``MappingError`` that names file, key path and what was expected.
    """
    path = resolve_mapping_path(name_or_path)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise MappingError(f"{path}: is not readable YAML: {error}") from error
    except UnicodeDecodeError as error:
        raise MappingError(f"{path}: is not UTF-8 text: {error}") from error
    return parse_mapping(data, str(path))

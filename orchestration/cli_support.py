"""What every command shares: exit codes, output for people and for scripts, settings or a clear refusal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

from ingestion.ledger import LedgerError
from ingestion.mapping import MappingError
from ingestion.read import SourceFileError
from orchestration.settings import Settings, SettingsError, load_settings
from publishing.errors import PublishingError

#: Exit codes; the help of `footfall` lists them.
OK, FAILED, USAGE, LOOK = 0, 1, 2, 3


def tell(words: str) -> None:
    """Progress, to standard error and at once, so that standard output stays what was asked for."""
    typer.echo(words, err=True)
    sys.stderr.flush()


def answer_json(value: Any) -> None:
    """One JSON document on standard output; dates and paths become text."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def refuse(words: str, code: int = USAGE) -> NoReturn:
    """Say why not, and end with ``code``."""
    typer.echo(f"footfall: {words}", err=True)
    raise typer.Exit(code)


def settings_or_refuse(**overrides: object) -> Settings:
    """The settings; a wrong one is a usage error."""
    try:
        return load_settings(**overrides)
    except SettingsError as error:
        refuse(str(error))


@contextmanager
def known_errors() -> Iterator[None]:
    """Errors that say what to do become one message and an exit code; all others keep their traceback."""
    try:
        yield
    except (MappingError, SettingsError) as error:
        refuse(str(error), USAGE)
    except (SourceFileError, LedgerError, PublishingError, FileNotFoundError, PermissionError) as error:
        refuse(str(error), FAILED)

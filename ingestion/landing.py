"""The landing folder: files wait in ``landing/<source>/`` and a sweep loads those it has not seen.

``<source>`` is the name of a shipped mapping, or any folder with a ``mapping.yml`` of its own. Files of
the default shop lie directly there, those of another shop under ``landing/shop=<shop_id>/<source>/``.
Files stay where they are. ``landing/.seen.json`` remembers what was loaded so that a sweep need not read
every old file again; it is a convenience only: without it the ledger still knows every file by its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion.durable import write_bytes_durably
from ingestion.lake import Lake
from ingestion.ledger import LedgerError
from ingestion.load import LoadResult, connect, ingest_file
from ingestion.mapping import MappingError, SourceMapping, load_mapping
from ingestion.read import SourceFileError
from ingestion.shops import Shop

_SEEN = ".seen.json"
_OWN_MAPPING = "mapping.yml"
_SHOP_FOLDER = "shop="
#: Written by tools that have not finished copying yet.
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart")


@dataclass(frozen=True)
class WaitingFile:
    """One file in the landing folder. ``name`` is its path below it; ``fingerprint`` (size and time of
    change) tells a rewritten file from the one that was loaded."""

    name: str
    path: Path
    source: str
    shop: Shop
    fingerprint: str


@dataclass(frozen=True)
class FileProblem:
    """A file (or a whole source) that could not be loaded, and why, in words."""

    name: str
    reason: str


@dataclass(frozen=True)
class Sweep:
    """What one sweep did: ``loaded`` (new loads), ``known`` (bytes that the ledger had), ``problems``."""

    loaded: tuple[LoadResult, ...]
    known: int
    problems: tuple[FileProblem, ...]


def landed_files(landing: Path, shops: Sequence[Shop]) -> tuple[list[WaitingFile], list[FileProblem]]:
    """Every file under ``landing``, by name, with what is wrong about folders nobody can place.

    ``shops`` are the configured ones, the default shop first. Hidden files, ``mapping.yml`` and files
    that a tool is still copying (``.tmp``, ``.part`` …) are left alone.
    """
    files: list[WaitingFile] = []
    problems: list[FileProblem] = []
    by_id = {shop.shop_id: shop for shop in shops}
    for folder in _folders(landing):
        if not folder.name.startswith(_SHOP_FOLDER):
            files.extend(_files_of(landing, folder, shops[0]))
            continue
        shop = by_id.get(folder.name.removeprefix(_SHOP_FOLDER))
        if shop is None:
            problems.append(FileProblem(folder.name, f"no such shop, expected one of {', '.join(by_id)}"))
            continue
        for source in _folders(folder):
            files.extend(_files_of(landing, source, shop))
    return sorted(files, key=lambda file: file.name), problems


def waiting_files(landing: Path, shops: Sequence[Shop]) -> list[WaitingFile]:
    """The files under ``landing`` that no sweep has loaded as they are now."""
    seen = _read_seen(landing)
    files, _ = landed_files(landing, shops)
    return [file for file in files if seen.get(file.name) != file.fingerprint]


def sweep_landing(
    landing: Path,
    lake: Lake,
    shops: Sequence[Shop],
    pseudonym_key: bytes | None = None,
    on_load: Callable[[LoadResult], None] | None = None,
) -> Sweep:
    """Load every waiting file. One bad file or mapping is a ``FileProblem`` and keeps no other file waiting.

    A file with a problem is tried again by the next sweep. ``on_load`` hears of every new load. Raises
    ``OSError`` where the lake cannot be written.
    """
    files, problems = landed_files(landing, shops)
    seen = _read_seen(landing)
    loaded: list[LoadResult] = []
    known = 0
    mappings: dict[tuple[str, str], SourceMapping | MappingError] = {}
    with connect(lake) as connection:
        for file in files:
            if seen.get(file.name) == file.fingerprint:
                continue
            mapping = _mapping_of(file, mappings)
            if isinstance(mapping, MappingError):
                problems.append(FileProblem(file.name, str(mapping)))
                continue
            try:
                result = ingest_file(
                    lake, file.path, mapping, file.shop, pseudonym_key=pseudonym_key, connection=connection
                )
            except (MappingError, SourceFileError, LedgerError, ValueError) as error:
                problems.append(FileProblem(file.name, str(error)))
                continue
            seen[file.name] = file.fingerprint
            known += result.already_loaded
            if not result.already_loaded:
                loaded.append(result)
                if on_load is not None:
                    on_load(result)
    if files:
        names = {file.name for file in files}
        remembered = {name: mark for name, mark in seen.items() if name in names}
        if remembered != _read_seen(landing):
            write_bytes_durably(landing / _SEEN, json.dumps(remembered, indent=0, sort_keys=True).encode())
    return Sweep(tuple(loaded), known, tuple(problems))


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))


def _files_of(landing: Path, source: Path, shop: Shop) -> list[WaitingFile]:
    found = []
    for path in sorted(source.rglob("*")):
        if path.name.startswith(".") or path.name == _OWN_MAPPING or path.name.endswith(_UNFINISHED):
            continue
        try:
            if not path.is_file():
                continue
            state = path.stat()
        except FileNotFoundError:  # taken away while we looked
            continue
        name = path.relative_to(landing).as_posix()
        found.append(WaitingFile(name, path, source.name, shop, f"{state.st_size}:{state.st_mtime_ns}"))
    return found


def _mapping_of(
    file: WaitingFile, known: dict[tuple[str, str], SourceMapping | MappingError]
) -> SourceMapping | MappingError:
    key = (file.shop.shop_id, file.source)
    if key not in known:
        folder = next(parent for parent in file.path.parents if parent.name == file.source)
        own = folder / _OWN_MAPPING
        try:
            known[key] = load_mapping(own if own.is_file() else file.source)
        except MappingError as error:
            known[key] = error
    return known[key]


def _read_seen(landing: Path) -> dict[str, str]:
    try:
        seen = json.loads((landing / _SEEN).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return seen if isinstance(seen, dict) else {}

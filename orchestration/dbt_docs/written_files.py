"""All files that are written from the dbt project, with their contents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.dbt_docs.dictionary import render_pages
from orchestration.dbt_docs.metrics import read_metrics
from orchestration.dbt_docs.metrics_page import render_blocks, render_page
from orchestration.dbt_docs.published_exposure import render_exposure
from orchestration.dbt_in_process import PROJECT_FOLDER, prepare_manifest
from orchestration.mart_specs import read_manifest

DOCS = PROJECT_FOLDER.parent / "docs"
DICTIONARY = DOCS / "data-dictionary"
METRICS_PAGE = DOCS / "metrics.md"
METRIC_BLOCKS = PROJECT_FOLDER / "models" / "docs" / "metrics.md"
EXPOSURE = PROJECT_FOLDER / "models" / "docs" / "published_tables.yml"


def files_for(manifest: Mapping[str, Any]) -> dict[Path, str]:
    """Path and content of every written file."""
    metrics = read_metrics()
    return {
        METRIC_BLOCKS: render_blocks(metrics),
        EXPOSURE: render_exposure(manifest),
        METRICS_PAGE: render_page(metrics, manifest),
        **{DICTIONARY / name: text for name, text in render_pages(manifest).items()},
    }


def stale_files(manifest: Mapping[str, Any]) -> list[Path]:
    """Files that are not what the project says, or that nothing writes any more."""
    expected = files_for(manifest)
    wrong = [path for path, text in expected.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    return sorted([*wrong, *(path for path in DICTIONARY.glob("*.md") if path not in expected)])


def write_files() -> list[Path]:
    """Write what is stale and remove what nothing writes; returns the paths that changed.

    dbt reads two of the files itself (a column may name a new metric's docs block), so those come first and
    the project is parsed anew before the pages are written.
    """
    changed = _write({METRIC_BLOCKS: render_blocks(read_metrics())})
    prepare_manifest()
    changed += _write({EXPOSURE: render_exposure(read_manifest())})
    prepare_manifest()
    expected = files_for(read_manifest())
    changed += _write(expected)
    for path in DICTIONARY.glob("*.md"):
        if path not in expected:
            path.unlink()
            changed.append(path)
    prepare_manifest()
    return changed


def _write(files: Mapping[Path, str]) -> list[Path]:
    changed = []
    for path, text in files.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed

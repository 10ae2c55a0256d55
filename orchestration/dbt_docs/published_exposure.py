"""The exposure of the published files: it names every mart, so it is written, not kept by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.mart_specs import mart_specs

#: Name of the exposure; it reads every mart, so the dictionary does not repeat it on each.
PUBLISHED = "published_tables"

_HEAD = f"""# Written by `make dictionary`: every model of schema marts is published.
version: 2

exposures:
  - name: {PUBLISHED}
    label: Published Parquet tables
    type: analysis
    maturity: high
    description: >
      Every mart as immutable Parquet files under FOOTFALL_HOME/published, found through current.json and the
      version's manifest.json: what notebooks and BI tools read (DuckDB, pandas, anything that reads Parquet).
      `publishing.PublishedReader` resolves the pointer. Nothing else may read the warehouse while a run writes.
    owner: {{name: Data ingestion}}
    depends_on:
"""


def render_exposure(manifest: Mapping[str, Any]) -> str:
    """The yml file."""
    return _HEAD + "".join(f"      - ref('{spec.name}')\n" for spec in mart_specs(manifest))

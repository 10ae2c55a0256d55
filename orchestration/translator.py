"""How dbt's models look in Dagster: groups by folder, kinds by materialisation, owner, freshness, description."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

#: A daily run that is a few hours late is a warning; a day and a half without one is a failure.
FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))

_ONE_GROUP = ("staging", "intermediate")


class FootfallTranslator(DagsterDbtTranslator):
    """Dagster's view of the dbt project; ``owner`` is an e-mail address or ``team:<name>``."""

    def __init__(self, owner: str) -> None:
        # Tests become asset checks, so a failing one is seen on its table and stops what is below it.
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_asset_checks=True))
        self.owner = owner

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The stock spec with our attributes."""
        node = (manifest["sources"] if unique_id.startswith("source.") else manifest["nodes"])[unique_id]
        spec = super().get_asset_spec(manifest, unique_id, project)
        if node["resource_type"] == "source":
            return spec
        meta = node["config"].get("meta", {})
        materialized = "seed" if node["resource_type"] == "seed" else node["config"].get("materialized", "table")
        extra: dict[str, Any] = {"refresh_class": meta["refresh_class"]} if "refresh_class" in meta else {}
        if "key" in meta:
            extra["key"] = ", ".join(meta["key"])
        return spec.replace_attributes(
            description=_words(node),
            group_name=_group(node),
            owners=[self.owner],
            kinds={"dbt", "duckdb", "view" if materialized == "view" else "table"},
            code_version=node.get("checksum", {}).get("checksum", "")[:12] or None,
            freshness_policy=None if materialized in ("view", "seed") else FRESHNESS,
        ).merge_attributes(metadata=extra)


def _group(node: Mapping[str, Any]) -> str:
    """``staging``, ``intermediate``, or ``marts_<folder>``; seeds belong to the marts that read them."""
    if node["resource_type"] == "seed":
        return "seeds"
    folders = node["fqn"][1:-1]
    return folders[0] if folders[0] in _ONE_GROUP or len(folders) == 1 else f"{folders[0]}_{folders[1]}"


def _words(node: Mapping[str, Any]) -> str:
    text = node.get("description", "").strip()
    return text or f"dbt {node['resource_type']} {node['name']} ({node['original_file_path']})."

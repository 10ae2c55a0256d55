"""How dbt's models look in Dagster: groups by folder, kinds by materialisation, owner, freshness, description."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from orchestration.dbt_docs.tests_in_words import test_in_words

#: A daily run that is a few hours late is a warning; a day and a half without one is a failure.
FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))

#: Layers that are one group however many folders they have; of the others each folder is a group.
_ONE_GROUP = ("staging", "features")


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
        # The dbt group: domains run across layers, which Dagster's groups are.
        domain = node["config"].get("group")
        return spec.replace_attributes(
            description=_words(node),
            group_name=_group(node),
            owners=[self.owner],
            kinds={"dbt", "duckdb", "view" if materialized == "view" else "table"},
            code_version=node.get("checksum", {}).get("checksum", "")[:12] or None,
            freshness_policy=None if materialized in ("view", "seed") else FRESHNESS,
        ).merge_attributes(metadata=extra, tags={"domain": domain} if domain else {})

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        """The stock check of a dbt test, with what it asks in words."""
        check = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if check is None:
            return None
        return check._replace(description=test_in_words(manifest["nodes"][unique_id], manifest))


def _group(node: Mapping[str, Any]) -> str:
    """``seeds``, ``staging``, ``features``, or layer and folder: ``intermediate_orders``, ``marts_core``.

    What stands on the models' scores is a group of its own, so that groups flow one way.
    """
    if node["resource_type"] == "seed":
        return "seeds"
    if "after_ml" in node.get("tags", []):
        return "marts_scores"
    folders = node["fqn"][1:-1]
    return folders[0] if folders[0] in _ONE_GROUP or len(folders) == 1 else f"{folders[0]}_{folders[1]}"


def _words(node: Mapping[str, Any]) -> str:
    text = node.get("description", "").strip()
    return text or f"dbt {node['resource_type']} {node['name']} ({node['original_file_path']})."

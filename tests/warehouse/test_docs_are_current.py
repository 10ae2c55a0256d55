"""The pages written from the dbt project are what it says now, and say what they should."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.dbt_docs.dictionary import render_pages
from orchestration.dbt_docs.metrics import MetricError, read_metrics, shown_by
from orchestration.dbt_docs.metrics_page import render_blocks, render_page
from orchestration.dbt_docs.project_tables import project_tables
from orchestration.dbt_docs.tests_in_words import test_in_words as in_words
from orchestration.dbt_docs.written_files import stale_files
from orchestration.mart_specs import mart_specs, read_manifest


@pytest.fixture
def manifest(dbt_manifest: Path) -> dict[str, Any]:
    return read_manifest()


def test_the_committed_files_are_what_the_project_says(manifest: dict[str, Any]) -> None:
    assert stale_files(manifest) == [], "run: make dictionary"


def test_every_table_and_column_is_in_the_dictionary_once(manifest: dict[str, Any]) -> None:
    pages = render_pages(manifest)
    text = "\n".join(pages.values())
    for node in manifest["nodes"].values():
        if node["resource_type"] not in ("model", "seed"):
            continue
        assert text.count(f"\n## `{node['name']}`\n") == 1, node["name"]
        section = text.split(f"\n## `{node['name']}`\n")[1].split("\n## ")[0]
        rows = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert rows == list(node["columns"]), node["name"]


def test_a_table_s_section_says_key_refresh_tests_and_neighbours(manifest: dict[str, Any]) -> None:
    section = render_pages(manifest)["orders.md"].split("\n## `fct_orders`\n")[1].split("\n## ")[0]
    assert "- One row per `shop_id`, `order_id`." in section
    assert "Touched keys: a run computes anew, whole, each `shop_id`, `order_id` that `int_orders_touched`" in section
    assert "published by `order_date`" in section
    assert "- `shop_id`, `session_id` name a row of `fct_sessions`, where not null." in section
    assert "[`dim_customers`](customers.md#dim_customers)" in section


def test_a_test_without_words_says_the_comment_above_it_and_its_arguments(manifest: dict[str, Any]) -> None:
    orders = render_pages(manifest)["orders.md"]
    assert "- An order's net revenue is the sum of its money's known movements.\n" in orders
    test = next(node for node in manifest["nodes"].values() if node["name"].startswith("adds_up_to_movements"))
    about = {"name": "adds_up_to_movements", "kwargs": {"to": "ref('int_x')", "sums": {"a": "1", "b": "2"}}}
    assert in_words({**test, "test_metadata": about}, manifest) == (
        "An order's net revenue is the sum of its money's known movements. (sums: `a`, `b`; to: `int_x`)"
    )
    assert in_words({**test, "description": "Money adds up."}, manifest) == "Money adds up."


def test_links_lead_to_tables_that_are_there(manifest: dict[str, Any]) -> None:
    pages = render_pages(manifest)
    for page in pages.values():
        for piece in page.split("](")[1:]:
            target, _, anchor = piece.split(")")[0].partition("#")
            if anchor:
                assert f"\n## `{anchor}`\n" in pages[target], f"{target}#{anchor}"


def test_pages_do_not_depend_on_the_manifest_s_order(manifest: dict[str, Any]) -> None:
    turned = copy.copy(manifest)
    for part in ("nodes", "groups", "exposures", "sources", "macros"):
        turned[part] = dict(reversed(manifest[part].items()))
    turned["child_map"] = {key: list(reversed(children)) for key, children in manifest["child_map"].items()}
    assert render_pages(turned) == render_pages(manifest)
    metrics = read_metrics()
    assert render_page(metrics, turned) == render_page(metrics, manifest)


def test_a_model_without_group_is_shown_and_not_lost(manifest: dict[str, Any]) -> None:
    orphan = copy.deepcopy(manifest)
    orphan["nodes"]["model.footfall.customer_rfm"]["config"]["group"] = None
    assert "## `customer_rfm`" in render_pages(orphan)["other.md"]


def test_every_model_states_how_it_is_refreshed(manifest: dict[str, Any]) -> None:
    assert [table.name for table in project_tables(manifest) if table.refresh.startswith("Not stated")] == []


def test_the_published_exposure_names_every_mart(manifest: dict[str, Any]) -> None:
    exposure = manifest["exposures"]["exposure.footfall.published_tables"]
    named = {unique_id.split(".")[2] for unique_id in exposure["depends_on"]["nodes"]}
    assert named == {spec.name for spec in mart_specs(manifest)}


def test_metrics_are_described_by_the_same_words_everywhere(manifest: dict[str, Any]) -> None:
    metrics = read_metrics()
    page, blocks = render_page(metrics, manifest), render_blocks(metrics)
    for metric in metrics.values():
        assert f"{{% docs metric_{metric.name} %}}\n{metric.description}\n{{% enddocs %}}" in blocks
        row = next(line for line in page.splitlines() if f"`{metric.name}`" in line and line.startswith("| **"))
        assert metric.description in row and metric.formula in row and metric.label_zh in row
    assert "agg_kpis_daily" in shown_by(metrics, manifest)["bounce_rate"]


@pytest.mark.parametrize("fault", [{"whole": None}, {"wohle": "sessions"}])
def test_a_misspelt_metric_is_named(tmp_path: Path, fault: dict[str, str | None]) -> None:
    entry = {"part": "a", "whole": "b", "digits": 6, "label": "A", "label_zh": "甲", "description": "A / b."}
    file = tmp_path / "dbt_project.yml"
    file.write_text(yaml.safe_dump({"vars": {"metrics": {"a_rate": entry}}}))
    assert read_metrics(file)["a_rate"].formula == "`a / b`"
    file.write_text(yaml.safe_dump({"vars": {"metrics": {"a_rate": {**entry, **fault}}}}))
    with pytest.raises(MetricError, match=r"vars\.metrics\.a_rate.*whole"):
        read_metrics(file)

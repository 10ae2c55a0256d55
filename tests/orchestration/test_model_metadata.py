"""What the models' pages show, and that it stays small: Dagster keeps the metadata of every run."""

from __future__ import annotations

import base64
import datetime as dt

import dagster as dg
import numpy as np

from ml.evaluation.drift import Drift
from ml.evaluation.plots import scatter_plot
from ml.evaluation.results import Measured, Subject, evaluation_frame
from ml.serving.serve import Served
from ml.serving.status import FRESH, NOT_ENOUGH_DATA, ScoreStatus
from orchestration.assets.models import MOST_IMAGE_BYTES, image_metadata, serving_metadata

DAY = dt.date(2026, 3, 1)
GREATEST_BYTES = 100_000


def served(shop_id: str, drifted: int = 0) -> Served:
    subject = Subject("churn", shop_id, DAY, "logit", 42, "v1")
    figures = [Measured(subject, metric, 0.75, 200) for metric in ("auc", "brier", "share_in_band_high")]
    return Served(
        ScoreStatus(shop_id, "churn", DAY, DAY, FRESH, "logit: it is | the best\nof all", "v1"),
        evaluation=evaluation_frame(figures),
        drift=[Drift(f"feature_{number}", float(number), 0.1, 0.25) for number in range(drifted)],
    )


def text(metadata: dict[str, object], name: str) -> str:
    value = metadata[name]
    assert isinstance(value, dg.MarkdownMetadataValue)
    return str(value.value)


def test_images_become_data_addresses_that_hold_the_same_bytes() -> None:
    shown = image_metadata({"lift": b"\x89PNG lift", "reliability": b"\x89PNG"})
    assert list(shown) == ["lift", "reliability"]
    head, _, body = str(shown["lift"].value).partition("base64,")
    assert head == "![lift](data:image/png;"
    assert base64.b64decode(body.rstrip(")")) == b"\x89PNG lift"
    assert image_metadata({}) == {}


def test_there_are_never_too_many_images_nor_one_too_great() -> None:
    assert len(image_metadata({f"plot {number}": b"x" for number in range(50)})) < 10
    great = str(image_metadata({"great": b"x" * (MOST_IMAGE_BYTES + 1)})["great"].value)
    assert "great: not shown" in great and len(great) < 100
    fits = str(image_metadata({"fits": b"x" * MOST_IMAGE_BYTES})["fits"].value)
    assert MOST_IMAGE_BYTES < len(fits) <= GREATEST_BYTES + 100


def test_the_fullest_scatter_is_shown() -> None:
    points = np.random.default_rng(0).normal(size=(30_000, 2))
    labels = [f"segment {number % 6} with a name of some length" for number in range(len(points))]
    image = scatter_plot(points[:, 0], points[:, 1], labels, "shop $a$ \\b$", ("first", "second"))
    assert "base64," in str(image_metadata({"scatter": image})["scatter"].value)
    assert len(image) <= MOST_IMAGE_BYTES


def test_a_page_shows_states_headline_figures_and_the_worst_drift() -> None:
    nothing = Served(ScoreStatus("empty", "churn", None, None, NOT_ENOUGH_DATA, "Not enough data: orders", None))
    shown = serving_metadata([served("shop", drifted=30), nothing])
    status = text(shown, "status")
    assert "| shop | fresh | 2026-03-01 | logit: it is \\| the best of all |" in status
    assert "| empty | not_enough_data |  | Not enough data: orders |" in status
    figures = text(shown, "evaluation")
    assert "| shop | logit | auc | 0.75 |" in figures and "share_in_band_high" not in figures
    drift = text(shown, "drift").splitlines()
    assert drift[2].startswith("| shop | feature_29 | 29 | severe |")
    assert len(drift) == 2 + 8
    assert shown["model_versions"] == "none"


def test_no_shops_and_very_many_shops_have_small_pages() -> None:
    assert set(serving_metadata([])) == {"status", "model_versions"}
    shown = serving_metadata([served(f"shop {number}", drifted=30) for number in range(2_000)])
    for name in ("status", "evaluation", "drift"):
        assert 1_000 < len(text(shown, name)) < GREATEST_BYTES


def test_figures_that_are_unknown_are_empty_cells() -> None:
    subject = Subject("churn", "shop", DAY, "logit", 42, "v1")
    status = ScoreStatus("shop", "churn", DAY, DAY, FRESH, "why", "v1")
    shown = serving_metadata([Served(status, evaluation=evaluation_frame([Measured(subject, "auc", None, 0)]))])
    assert "| shop | logit | auc |  |  |  |" in text(shown, "evaluation")

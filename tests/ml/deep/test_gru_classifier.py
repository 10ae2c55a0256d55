"""The sequence model: it learns what only the order says, repeats itself to the bit, and is not needed."""

from __future__ import annotations

import builtins
import io
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

import ml.deep
from ml.deep import TorchMissing, has_torch, sequence_classifier
from ml.evaluation.classification import auc
from ml.learners.candidates import Candidate, classifiers
from ml.learners.probability_model import ProbabilityModel
from ml.propensity.session_candidates import session_candidates
from ml.propensity.session_intent import SessionIntent
from ml.propensity.session_steps import KINDS, STEPS, step_columns

needs_torch = pytest.mark.skipif(not has_torch(), reason="torch is not installed (extra deep)")
VIEW, CART = KINDS.index("view_item") + 1, KINDS.index("add_to_cart") + 1


def ordered_sessions(n: int = 1200, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Three views and one cart add each, whose place alone says who buys: early adds mostly do."""
    rng = np.random.default_rng(seed)
    place = rng.integers(1, 5, n)
    frame = pd.DataFrame(0.0, index=range(n), columns=step_columns())
    for step in range(1, 5):
        frame[f"step_{step}_kind"] = np.where(place == step, CART, VIEW).astype(float)
        frame[f"step_{step}_gap"] = rng.exponential(20, n)
    frame["cart_adds"] = 1.0
    frame["seconds_since_start"] = rng.exponential(60, n)
    frame["device"] = rng.choice(["desktop", "mobile"], n)
    return frame, (rng.random(n) < np.where(place <= 2, 0.8, 0.1)).astype(float)


def fitted(name: str, frame: pd.DataFrame, y: np.ndarray) -> ProbabilityModel:
    if name == "gru":
        candidate = Candidate("gru", 10, sequence_classifier, raw=True)
        return ProbabilityModel(candidate, [*step_columns(), "cart_adds", "seconds_since_start"], ["device"]).fit(
            frame, y
        )
    candidate = next(one for one in classifiers() if one.name == name)
    return ProbabilityModel(candidate, ["cart_adds", "seconds_since_start"], ["device"]).fit(frame, y)


@needs_torch
def test_order_tells_what_counts_do_not() -> None:
    learned, held = ordered_sessions(), ordered_sessions(seed=1)
    ranks = {
        name: auc(held[1], fitted(name, *learned).predict_proba(held[0]))(np.ones(len(held[1])))
        for name in ("gru", "logit")
    }
    assert ranks["gru"] > 0.8 and ranks["logit"] < 0.6


@needs_torch
def test_same_seed_same_scores_and_the_process_is_left_alone() -> None:
    import torch

    frame, y = ordered_sessions(400)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    first, second = fitted("gru", frame, y), fitted("gru", frame, y)
    assert np.array_equal(first.predict_proba(frame), second.predict_proba(frame))
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
    assert torch.equal(torch.rand(3), expected)


@needs_torch
def test_a_saved_model_scores_the_same_and_is_small() -> None:
    frame, y = ordered_sessions(400)
    model = fitted("gru", frame, y)
    kept = io.BytesIO()
    joblib.dump(model, kept)
    assert kept.tell() < 300_000
    kept.seek(0)
    assert np.array_equal(joblib.load(kept).predict_proba(frame), model.predict_proba(frame))


@needs_torch
def test_missing_new_and_absent_steps() -> None:
    frame, y = ordered_sessions(400)
    model = fitted("gru", frame, y)
    odd = frame.copy()
    odd.loc[:50, "step_2_gap"] = np.nan
    odd.loc[:50, "step_3_kind"] = len(KINDS) + 7
    odd.loc[51:60, [f"step_{step}_kind" for step in range(1, STEPS + 1)]] = 0.0
    odd["device"] = "电视"
    scores = model.predict_proba(odd)
    assert np.isfinite(scores).all() and ((scores >= 0) & (scores <= 1)).all()
    one = odd.iloc[[5]]
    assert model.predict_proba(one)[0] == pytest.approx(scores[5], abs=1e-6)
    with pytest.raises(ValueError, match="step_1_kind"):
        model.predict_proba(frame.drop(columns="step_1_kind"))


@needs_torch
def test_it_stands_last_and_alone_reads_steps() -> None:
    standing = session_candidates(["cart_adds", "device"], sequence_classifier)
    assert standing[-1].name == "gru" and standing[-1].features is None
    assert all(one.simplicity < standing[-1].simplicity for one in standing[:-1])
    assert not any(set(one.features or ()) & set(step_columns()) for one in standing[:-1])


def test_without_torch_only_asking_for_it_fails_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def without_torch(name: str, *rest: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return whole(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    monkeypatch.setattr(ml.deep, "find_spec", lambda name: None)
    assert not has_torch()
    assert [one.name for one in session_candidates(["cart_adds"])][-1] == "blend" and not SessionIntent().with_sequences
    with pytest.raises(TorchMissing, match=r"footfall\[deep\]"):
        sequence_classifier(1)
    with pytest.raises(ImportError, match="needs torch"):
        SessionIntent(with_sequences=True)

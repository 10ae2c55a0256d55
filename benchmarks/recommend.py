"""What similar items and everyone's top ten cost: ``python -m benchmarks.recommend``.

A million users, 100,000 items and 50 million interactions by power laws, then a tenth and a hundredth of all three
(``--sizes 1 0.1 0.01``). On the same matrix stand Footfall's item neighbours, the item neighbours of the library
``implicit`` (TF-IDF, as many neighbours, a thread) and its ALS (as many rounds as it takes unless told). Every one is
a process of its own: its peak memory is the kernel's figure and has the making of the matrix in it; CPU-seconds are of
learning and of recommending, all threads.

Prints a Markdown table and whether Footfall keeps 300 CPU-seconds and 4 GB at the largest size (the exit code is 1
where it does not); ``--json`` writes the same figures.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.stage_costs import Cost, measure

_ROOT = Path(__file__).resolve().parent.parent
#: The largest size: users, items, interactions.
USERS, ITEMS, ROWS = 1_000_000, 100_000, 50_000_000
#: What similarities and lists may take there.
MOST_CPU_S, MOST_MB = 300, 4_000
#: Items of a list, similar items kept of each item, and users that ``implicit`` is asked for at a time.
K, NEIGHBOURS, BATCH = 10, 50, 10_000
FOOTFALL, THEIR_ITEMS, THEIR_ALS = "Footfall, item-kNN", "implicit, item-item", "implicit, ALS"


@dataclass(frozen=True)
class Measured:
    """One model at one size: CPU-seconds of its parts, what the whole process cost, and how many rows came out."""

    model: str
    share: float
    fit_s: float
    recommend_s: float
    listed: int
    cost: Cost

    @property
    def cpu_s(self) -> float:
        """Learning and recommending."""
        return self.fit_s + self.recommend_s


def interactions(share: float) -> Any:
    """Users and items drawn apart by power laws: nobody's taste, but everybody's number of rows."""
    import numpy as np

    from ml.recommend.interactions import Interactions

    users, items, rows = (max(int(size * share), 1) for size in (USERS, ITEMS, ROWS))
    drawn = np.random.default_rng(1)

    def power_law(size: int, exponent: float) -> Any:
        share_of = 1 / np.arange(1, size + 1) ** exponent
        until = np.cumsum(share_of / share_of.sum())
        return np.searchsorted(until, drawn.random(rows)).clip(max=size - 1)

    return Interactions.from_codes(
        power_law(users, 0.5),
        power_law(items, 0.8),
        np.ones(rows),
        users=np.array([f"u{number:07d}" for number in range(users)], dtype=object),
        items=np.array([f"i{number:06d}" for number in range(items)], dtype=object),
    )


def footfall(data: Any, rounds: int) -> tuple[Callable[[], object], Callable[[], Iterator[int]]]:
    """Learning, and everyone's lists a block at a time."""
    import numpy as np

    from ml.recommend.item_knn import ItemKNN

    model = ItemKNN("tfidf", neighbours=NEIGHBOURS)

    def lists() -> Iterator[int]:
        everyone = np.arange(len(data.users))
        for block in model.user_blocks(everyone, everyone):
            yield len(model.top(block, K).row)

    return lambda: model.fit(data), lists


def their_items(data: Any, rounds: int) -> tuple[Callable[[], object], Callable[[], Iterator[int]]]:
    """The library's own neighbours of items."""
    from implicit.nearest_neighbours import TFIDFRecommender

    model = TFIDFRecommender(K=NEIGHBOURS, num_threads=1)
    return lambda: model.fit(data.matrix, show_progress=False), lambda: _their_lists(model, data.matrix)


def their_als(data: Any, rounds: int) -> tuple[Callable[[], object], Callable[[], Iterator[int]]]:
    """The library's matrix factorisation, 64 factors."""
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=64, iterations=rounds, num_threads=1, random_state=1)
    return lambda: model.fit(data.matrix, show_progress=False), lambda: _their_lists(model, data.matrix)


def _their_lists(model: Any, matrix: Any) -> Iterator[int]:
    import numpy as np

    for start in range(0, matrix.shape[0], BATCH):
        users = np.arange(start, min(start + BATCH, matrix.shape[0]))
        ids, _ = model.recommend(users, matrix[users], N=K, filter_already_liked_items=True)
        yield int((ids >= 0).sum())


MODELS = {FOOTFALL: footfall, THEIR_ITEMS: their_items, THEIR_ALS: their_als}


def run_stage(model: str, share: float, rounds: int) -> None:
    """Learn and recommend in this process; prints the parts as JSON."""
    data = interactions(share)
    fit, lists = MODELS[model](data, rounds)
    begun = time.process_time()
    fit()
    fitted = time.process_time()
    listed = sum(lists())
    ended = time.process_time()
    print(json.dumps({"fit_s": fitted - begun, "recommend_s": ended - fitted, "listed": listed}))


def run(sizes: list[float], rounds: int) -> list[Measured]:
    """Every model at every size, each in a process of its own."""
    found = []
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(_ROOT)}
    for share in sizes:
        for model in MODELS:
            command = ("-m", "benchmarks.recommend", "--stage", model, "--sizes", share, "--rounds", rounds)
            cost, printed = measure([sys.executable, *map(str, command)], one_thread, [])
            found.append(Measured(model, share, **json.loads(printed.strip().splitlines()[-1]), cost=cost))
            print(f"{model} at {share:g}: {found[-1].cpu_s:.1f} CPU-s, {cost.peak_mb:,.0f} MB", file=sys.stderr)
    return found


def markdown(found: list[Measured]) -> str:
    """A row for each model and size; the ratio is of CPU-seconds to Footfall's at the size."""
    lines = [
        "| users × items × rows | | learn: CPU-s | lists of all | together | ratio | peak MB |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    ours = {one.share: one.cpu_s for one in found if one.model == FOOTFALL}
    for one in found:
        size = " × ".join(f"{int(n * one.share):,}" for n in (USERS, ITEMS, ROWS))
        lines.append(
            f"| {size} | {one.model} | {one.fit_s:,.1f} | {one.recommend_s:,.1f} | {one.cpu_s:,.1f} "
            f"| {one.cpu_s / ours[one.share]:.1f} | {one.cost.peak_mb:,.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Parse the command line, run, print, and say by the exit code whether the bound holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1.0, 0.1, 0.01], help="shares of the largest size")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of ALS (the library's own number is 15)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--stage", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        run_stage(options.stage, options.sizes[0], options.rounds)
        return
    os.chdir(_ROOT)
    found = run(options.sizes, options.rounds)
    print(markdown(found))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in found], indent=1))
    largest = next(one for one in found if one.model == FOOTFALL and one.share == max(options.sizes))
    within = largest.cpu_s <= MOST_CPU_S and largest.cost.peak_mb <= MOST_MB
    bound = f"{largest.cpu_s:.0f} of {MOST_CPU_S} CPU-s, {largest.cost.peak_mb:,.0f} of {MOST_MB:,} MB"
    print(f"\nSimilar items and everyone's {K} take {bound}: {'within' if within else 'OVER'} the bound")
    raise SystemExit(0 if within else 1)


if __name__ == "__main__":
    main()

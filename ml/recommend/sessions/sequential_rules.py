"""Sequential rules with decay: what follows an item within a few steps, in two SQL statements.

The first counts rules, the second adds up those of a session's last items. Both are plain joins and sums, which DuckDB
does out of core: memory is bounded however many sessions there are.

Source: M. Ludewig and D. Jannach, "Evaluation of session-based recommendation algorithms" (2018), section 3.1.2,
https://doi.org/10.1007/s11257-018-9209-6. Theirs looks at the last item alone; here the last few count, less and less.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import numpy as np
import pandas as pd
from scipy import sparse

from ml.evaluation.intervals import Floats
from ml.recommend.sessions.model import SessionModel
from ml.recommend.sessions.steps import Contexts, Steps, without_repeats

#: ``steps`` has session, place (0, 1 ...) and item. Parameters: reach, most rules of an item.
LEARN = """
SELECT item, next_item, weight
FROM (
    SELECT one.item, later.item AS next_item, CAST(sum(1.0 / distance) AS DOUBLE) AS weight
    FROM steps AS one
    CROSS JOIN (SELECT unnest(generate_series(1, ?)) AS distance) AS distances
    JOIN steps AS later ON later.session = one.session AND later.place = one.place + distance
    GROUP BY one.item, later.item
) AS counted
QUALIFY row_number() OVER (PARTITION BY item ORDER BY weight DESC, next_item) <= ?
ORDER BY item, next_item
"""
#: ``known`` has context, item and weight; ``rules`` is what ``LEARN`` found.
APPLY = """
SELECT known.context, rules.next_item AS item, sum(known.weight * rules.weight) AS score
FROM known
JOIN rules ON rules.item = known.item
GROUP BY known.context, rules.next_item
"""


class SequentialRules(SessionModel):
    """What follows the session's last items, the nearer the more.

    Parameters
    ----------
    weights : how much the rules of the last, last but one ... item count.
    reach : steps after an item that rules look at; a step ``d`` later counts ``1 / d``.
    most : rules kept for an item.
    commonness : 0 takes rules as often as they were seen; 1 divides by how often the item occurred, so that
        each of the last items counts alike.
    memory : DuckDB's limit; beyond it rules are counted on disk.
    """

    name = "sequential_rules"

    def __init__(
        self,
        weights: tuple[float, ...] = (1.0, 0.4, 0.16, 0.06, 0.03),
        reach: int = 10,
        most: int = 500,
        commonness: float = 1.0,
        memory: str = "1GB",
    ) -> None:
        self.weights = weights
        self.reach = reach
        self.most = most
        self.commonness = commonness
        self.memory = memory

    def _learn(self, steps: Steps) -> None:
        place = np.arange(len(steps)) - steps.starts[:-1][steps.session]
        frame = pd.DataFrame({"session": steps.session, "place": place, "item": steps.item})
        with self._connect() as connection:
            connection.register("steps", frame)
            rules = connection.execute(LEARN, [self.reach, self.most]).df()
        often = np.bincount(steps.item, minlength=len(steps.items)).astype(float)
        rules["weight"] /= often[rules["item"].to_numpy()] ** self.commonness
        self.rules_ = rules

    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        newest = without_repeats(contexts.newest(len(self.weights)))
        rows, places = np.nonzero(newest >= 0)
        weights: Floats = np.asarray(self.weights)[places]
        known = pd.DataFrame({"context": rows, "item": newest[rows, places], "weight": weights})
        with self._connect() as connection:
            connection.register("known", known)
            connection.register("rules", self.rules_)
            found = connection.execute(APPLY).fetchnumpy()
        return sparse.csr_array(
            (np.asarray(found["score"]), (np.asarray(found["context"]), np.asarray(found["item"]))),
            shape=(len(contexts), width),
        )

    @contextmanager
    def _connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        # one thread: a sum's last bits must not depend on how the work was divided
        with tempfile.TemporaryDirectory(prefix="rules-") as folder:
            config: dict[str, str | bool | int | float | list[str]] = {
                "threads": 1,
                "memory_limit": self.memory,
                "temp_directory": folder,
            }
            with duckdb.connect(config=config) as connection:
                yield connection

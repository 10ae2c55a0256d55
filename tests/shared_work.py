"""Which test files share what they look at, and in what order the workers take them.

The grouping of pytest-xdist itself (`--dist loadgroup`) does nothing under pytest 9.2: it writes a group into a
private name of the test that is no longer read.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

#: What takes longest, begun first so that the workers end together. Files in one line share homes that are built
#: once for a worker, so one worker takes them all; any other file is a line of its own, after these.
LONGEST = (
    (
        "tests/properties/test_attribution.py",
        "tests/properties/test_carts_and_order_marts.py",
        "tests/properties/test_behaviour_marts.py",
        "tests/properties/test_campaign_costs.py",
    ),
    (
        "tests/properties/test_late_arrivals.py",
        "tests/properties/test_order_tables.py",
        "tests/properties/test_identities_and_bots.py",
    ),
    ("tests/orchestration/test_runs_that_die.py",),
    ("tests/properties/test_simulated_shop.py",),
    ("tests/orchestration/test_whole_way.py",),
    (
        "tests/real/test_online_retail.py",
        "tests/real/test_cohorts_online_retail.py",
        "tests/real/test_rfm_online_retail.py",
        "tests/real/test_customer_churn.py",
        "tests/real/test_value_online_retail.py",
        "tests/real/test_recommend_online_retail.py",
    ),
    ("tests/properties/test_features.py",),
    ("tests/properties/test_customer_marts.py",),
    ("tests/properties/test_superseded_files.py",),
    ("tests/warehouse/test_dbt_project.py",),
    ("tests/real/test_intent_online_shoppers.py",),
    ("tests/properties/test_session_features.py",),
    ("tests/warehouse/test_marts_on_scores.py",),
    ("tests/warehouse/test_recommendation_marts.py",),
)
_LINE = {file: number for number, files in enumerate(LONGEST) for file in files}


def line_of(nodeid: str) -> int:
    """The place of a test's file among those that take longest; the same for all others."""
    return _LINE.get(nodeid.partition("::")[0], len(LONGEST))


class SharedWork(LoadFileScheduling):
    """A worker takes a file at a time, and with it those that share its homes."""

    def _split_scope(self, nodeid: str) -> str:
        line = line_of(nodeid)
        return LONGEST[line][0] if line < len(LONGEST) else super()._split_scope(nodeid)

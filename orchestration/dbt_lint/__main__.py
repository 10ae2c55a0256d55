"""``python -m orchestration.dbt_lint``: every fault on its own line, exit code 1 where there is one."""

from __future__ import annotations

import sys

from orchestration.dbt_docs.metrics import read_metrics
from orchestration.dbt_in_process import PROJECT_FOLDER, prepare_manifest
from orchestration.dbt_lint.model_rules import find_faults
from orchestration.dbt_lint.portability import find_violations
from orchestration.mart_specs import read_manifest


def main() -> int:
    """Check the whole project."""
    faults = [violation.in_words(PROJECT_FOLDER.parent) for violation in find_violations(PROJECT_FOLDER)]
    prepare_manifest()
    faults += find_faults(read_manifest(), read_metrics())
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m orchestration.dbt_docs``: write the pages anew; ``--check`` only names those that are stale."""

from __future__ import annotations

import sys
from pathlib import Path

from orchestration.dbt_docs.written_files import stale_files, write_files
from orchestration.dbt_in_process import prepare_manifest
from orchestration.mart_specs import read_manifest


def main(arguments: list[str]) -> int:
    """1 where ``--check`` finds a page that is not what the project says, 0 otherwise."""
    if arguments == ["--check"]:
        prepare_manifest()
        stale = stale_files(read_manifest())
        for path in stale:
            print(f"{_shown(path)}: not what the dbt project says; run `make dictionary`", file=sys.stderr)
        return 1 if stale else 0
    for path in write_files():
        print(_shown(path))
    return 0


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

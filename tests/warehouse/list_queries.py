"""The queries of docs/recommendations.md that a front-end asks, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "recommendations.md"


def documented_query(name: str) -> str:
    """The SQL block of the page that begins with a comment ``-- name:``; raises ``ValueError`` where there is none."""
    for block in re.findall(r"```sql\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL):
        if block.startswith(f"-- {name}:"):
            return str(block)
    raise ValueError(f"{_PAGE}: expected a block of SQL that begins with '-- {name}:'")

"""What is asked of one load, handed from step to step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ingestion.carry import Carried
from ingestion.mapping_models import SourceMapping
from ingestion.shops import Shop


@dataclass(frozen=True)
class LoadRequest:
    """One opened file on its way into the lake; ``replays`` names the load whose quarantine it reads again."""

    load_id: str
    files: list[str]
    file_sha256: str
    mapping: SourceMapping
    shop: Shop
    supersedes: list[str]
    replays: str | None
    pseudonymise: bool
    now: datetime
    row_arrival: str | None = None
    source_types: dict[str, str] = field(default_factory=dict)
    pseudonymised: bool = False
    carried: Carried | None = None

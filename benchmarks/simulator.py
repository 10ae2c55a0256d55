"""How fast the simulator generates and writes a log: ``python benchmarks/simulator.py [visitors]``.

Prints lines, seconds of wall and processor time, and lines per second. The default writes about a
million events; the aim is under ten seconds on two free cores.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.simulate import simulate_events_only


def main() -> None:
    """Time one simulation into a temporary folder."""
    visitors = int(sys.argv[1]) if len(sys.argv) > 1 else 28_000
    config = SimulatorConfig(visitors=visitors)
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = time.perf_counter(), time.process_time()
        lines = simulate_events_only(config, Path(folder))
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{lines:,} events in {wall:.1f} s ({processor:.1f} CPU-s): {lines / wall:,.0f} events/s")


if __name__ == "__main__":
    main()

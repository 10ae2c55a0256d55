"""A simulated online shop: logs, tables and the planted truth, from one seed."""

from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.simulate import SimulationSummary, simulate

__all__ = ["SimulationSummary", "SimulatorConfig", "simulate"]

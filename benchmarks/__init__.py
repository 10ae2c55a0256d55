"""Scale and speed, beside hand-written baselines."""

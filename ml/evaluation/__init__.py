"""How models are measured: intervals, measures per kind of model, and the one table that results go to."""

"""Models on top of the warehouse: one package per capability, and ``ml.evaluation`` that all of them report to.

Nothing here imports the orchestrator: every model is a function from data frames to data frames.
"""

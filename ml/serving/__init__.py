"""From warehouse to scores, the same way for every capability: learn when due, look whether the model still fits,
score, and where something is wrong go on serving the last good scores and say that they are stale."""

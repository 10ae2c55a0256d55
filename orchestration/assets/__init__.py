"""One module per step of a run; each only calls the package that does the work."""

"""Which model serves, and why: records and files of trained models, the contest between them, when to learn anew."""

"""Recommendations: what a shop may offer to whom, and what goes together."""

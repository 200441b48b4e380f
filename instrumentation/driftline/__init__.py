"""Driftline: see whether a model in production is still right."""

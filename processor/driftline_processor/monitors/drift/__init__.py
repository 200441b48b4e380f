"""Drift: a window against a reference. Each folder is a step, from binning to explaining; `comparison` joins them."""

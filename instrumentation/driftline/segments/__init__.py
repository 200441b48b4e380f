"""Segments: the lattice of bins and categories of a model's columns, its counts, and what training's counts were."""

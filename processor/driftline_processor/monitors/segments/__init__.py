"""Segments that stand out: where the model is worse than elsewhere, what grew, vanished or is new, what moved inside.

The lattice of bins and categories, up to two columns deep, is counted from rows; every cell is judged against training.
"""

"""Binned counts → what moved, by how much, and whether beyond chance and natural variation.

Imports `statistics`, `binning` and `history`; no words and no calendar.
"""

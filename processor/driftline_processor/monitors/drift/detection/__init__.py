"""Binned counts → what moved, by how much, and whether beyond chance and natural variation."""

"""Modules of PyTorch: which of them is the model, which of its calls count, and how they are seen.

Imported once torch is there; nothing of Driftline imports torch before its user does.
"""

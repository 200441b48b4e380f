"""Detections → verdicts with their reasons.

Imports every other folder of the drift monitor; the words are in `verdicts`.
"""

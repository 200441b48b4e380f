"""Detections → verdicts with their reasons."""

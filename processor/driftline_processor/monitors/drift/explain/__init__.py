"""Detections → verdicts, with what is said of them."""

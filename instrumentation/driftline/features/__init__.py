"""Captures → named columns: tables, tensors, outputs, and what is known of each model. Imports `capture`, `sketch`."""

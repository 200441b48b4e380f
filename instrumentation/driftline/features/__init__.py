"""Turns captures into named columns, of tables, tensors and outputs, and holds what is known of each model.

Imports `capture`, `sketch` and what lies below them.
"""

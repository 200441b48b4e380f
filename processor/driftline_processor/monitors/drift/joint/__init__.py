"""Blocks of columns judged together: many that move a little each, of which no single one may be proven.

Imports the detection of columns and what is remembered of a stream.
"""

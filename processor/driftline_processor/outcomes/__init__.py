"""Predictions and what became of them, joined by the keys of rows. Pure: what is kept on disk comes and goes as bytes.

Rows wait for outcomes, and outcomes for rows, whichever comes first. What is joined does not depend on how often, nor
when, `OutcomeJoin.join` is called: a replay of the same requests gives the same.
"""

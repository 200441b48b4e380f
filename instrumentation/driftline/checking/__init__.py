"""Input checks: rows that the model should not see are noticed, or refused, before it is called."""

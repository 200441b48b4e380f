"""Is the model right: metrics of labelled rows, each with a 95 % interval. Pure; imports array types only."""

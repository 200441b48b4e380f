"""The pure heart: records in, judged windows out. Imports `monitors`, `reference` and `decode`."""

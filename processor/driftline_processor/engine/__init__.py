"""The stream processor: decoded records in, judged windows out; pure and single-threaded.

Imports `monitors`, `reference`, `config` and `records`; never `decode`, `encode` or `service`.
"""

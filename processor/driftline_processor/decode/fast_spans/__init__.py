"""The fast path for batches of spans with one layout; its only entry points are `span_batches` and `trace_envelope`.

Imports `decode.spans`, whose result for a single span it must reproduce.
"""

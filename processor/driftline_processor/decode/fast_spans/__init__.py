"""The fast path for spans of one shape, behind one door: `span_batches`."""

"""The short form of `make bench-verdicts`: ours and dummies, on a few seeded streams, through sketches and engine."""

"""One model call → span, duration, hand-over to `export`. Imports everything but `frameworks` and `profiling`."""

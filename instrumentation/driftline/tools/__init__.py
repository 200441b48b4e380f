"""Commands for whoever sets Driftline up: `driftline demo` and `driftline doctor`."""

"""`driftline skew`: reads the two sides of a comparison from files, and writes what `skew` finds in them."""

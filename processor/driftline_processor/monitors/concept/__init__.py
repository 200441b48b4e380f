"""Outcomes given predictions: has what scores mean changed, or how large errors are? Imports no other monitor."""

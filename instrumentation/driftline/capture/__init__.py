"""Copies taken on the caller's thread, and the queue they wait in. Imports `records`, `runtime`, `settings`."""

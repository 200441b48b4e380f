"""Threads, sockets, disk and the wall clock; nothing else has them. Imports everything but `replay`."""

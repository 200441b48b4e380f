"""The running service: the only room with threads, sockets, disk and the wall clock.

Imports every other room but `replay`.
"""

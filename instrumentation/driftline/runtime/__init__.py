"""Everything Driftline does as a guest in another program's process: scope, threads, forks, imports, own faults.

Imports nothing else of Driftline.
"""

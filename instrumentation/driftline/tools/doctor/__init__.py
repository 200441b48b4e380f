"""The command `driftline doctor`: probes gather facts, pure tables of checks make findings of them.

Imports settings, the reference format and names; of the processor, nothing.
"""

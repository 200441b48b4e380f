"""`driftline demo`: an unmodified model server, the Collector, the processor, and a feature that changes its unit.

Each of them is a process of its own; nothing here imports the processor.
"""

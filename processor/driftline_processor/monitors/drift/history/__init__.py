"""What is remembered of a stream: its last windows, hours and days.

Imports no other folder of the drift monitor.
"""

"""What is remembered of a stream: its last windows, hours and days."""

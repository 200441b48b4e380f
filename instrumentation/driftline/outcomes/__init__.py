"""What became of predictions: log events that say it, from code and from tables. Imported by no model server.

`event` is pure and shared with the processor; `event_exporter` sends the log events of a process, whatever they say.
"""

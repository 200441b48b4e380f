"""A guest in a foreign process: threads, forks, import hooks, faults of ours. Imports nothing of ours but `semconv`."""

"""What people see: the status page, the JSON API behind it, and reports. Reads published results, never the engine."""

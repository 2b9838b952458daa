"""Engine and deadlines, unit of work, typed tables, reads, listen, probe."""

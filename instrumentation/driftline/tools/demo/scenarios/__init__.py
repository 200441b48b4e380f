"""The faults that the demo can show, a file each."""

"""What a window held → counts in the reference's bins."""

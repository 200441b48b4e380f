"""What a window held → counts in the reference's bins.

Imports no other folder of the drift monitor but `history`.
"""

"""The instrumentors: what is special about each framework, in one file each; PyTorch is a folder.

May import everything but `profiling`, `demo` and `cli`.
"""

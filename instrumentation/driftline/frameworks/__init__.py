"""What is special about each framework, one file each; PyTorch, with its modules, is a folder. Imports `recording`."""

"""Instruments PyTorch: which module is the model, which of its calls are predictions, and how to intercept them.

Only `instrumentor` may be imported before torch; the other modules are loaded once the user's program imports it.
"""

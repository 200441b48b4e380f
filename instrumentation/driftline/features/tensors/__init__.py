"""Tensors and the models that take and return them: from captures and modules to named columns and model facts.

Imports `features.models`, `features.input_kinds`, `features.outputs` and what lies below `features`; never torch, which
is already loaded wherever there is a tensor.
"""

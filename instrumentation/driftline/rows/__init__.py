"""Row batches: which rows of a model are sent one by one, and how. Pure, and shared with the processor.

A row has a key of 64 bits, made of its id; rows with the greatest keys are sent, so any two samples of the same rows
agree, and any sample can be thinned further without bias. Imports only numpy, `semconv` and parts of `sketch`.
"""

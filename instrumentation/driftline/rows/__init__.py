"""Row batches: which rows of a model are sent one by one, how, and what they are in files. Shared with the processor.

A row has a key of 64 bits, made of its id; rows with the greatest keys are sent, so any two samples of the same rows
agree, and any sample can be thinned further without bias. All but `files` and the command is pure; imports only numpy,
`semconv` and parts of `sketch`, and `otlp` the protobuf messages.
"""

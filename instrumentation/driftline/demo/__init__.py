"""The main job on one machine: a model server nobody touched, the Collector, the processor, and a feature that breaks.

`driftline demo` starts it all as processes of their own; nothing here imports the processor.
"""

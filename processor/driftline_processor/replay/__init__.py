"""`driftline replay`: a backtest of logged predictions with the sketches and the engine of live ones, in event time.

Imports every other room but `service`; of the instrumentation, also `profiling`, which reads the files.
"""

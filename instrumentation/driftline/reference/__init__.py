"""Training profiles: the record, and its OTLP format read and written. Needs no pyarrow; imports sketches and names."""

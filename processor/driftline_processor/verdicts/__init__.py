"""What monitors say: verdicts, their reasons as records, in words and as named fields. Imports array types only."""

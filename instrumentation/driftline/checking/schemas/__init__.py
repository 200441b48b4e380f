"""The rules of a training profile in the languages of other tools."""

"""The error of a replay."""


class ReplayError(Exception):
    """The data cannot be replayed; the message names the thing, the rule and the value."""

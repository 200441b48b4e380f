"""The one error of a replay, and what an exit status means."""


class ReplayError(Exception):
    """The data cannot be replayed: names the thing, the rule and the value."""

"""The one error of a profile."""


class ProfileError(ValueError):
    """The data cannot be profiled, or a profile cannot be read: the message names the thing, the rule and the value."""

"""What is raised for data and files that cannot be used; messages name the thing, the rule and the value."""


class ProfileError(ValueError):
    """The data cannot be profiled, or a profile cannot be read or merged."""


class InvalidReference(ProfileError):  # noqa: N818  (what it is, not what went wrong with it)
    """The file or request is no reference, or not a whole one."""

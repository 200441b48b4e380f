"""Training data → the reference that live data is compared with, as OTLP. Needs pyarrow (extra `sklearn`).

Imports `reference`, `features`, `sketch` and what lies below them.
"""

from typing import TYPE_CHECKING, Any

from driftline.reference.errors import ProfileError
from driftline.reference.profile import Profile
from driftline.reference.profile_column import ProfileColumn
from driftline.reference.read import load_profile

if TYPE_CHECKING:
    from driftline.profiling.api import profile

__all__ = ["Profile", "ProfileColumn", "ProfileError", "load_profile", "profile"]


def __getattr__(name: str) -> Any:
    """Import what needs pyarrow on first use, so that a command can say what is wrong with it."""
    if name != "profile":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from driftline.profiling.api import profile

    return profile

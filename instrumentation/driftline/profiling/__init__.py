"""Training data → the reference that live data is compared with, as OTLP. Needs pyarrow (extra `sklearn`)."""

from driftline.profiling.api import profile
from driftline.reference.errors import ProfileError
from driftline.reference.profile import Profile
from driftline.reference.profile_column import ProfileColumn
from driftline.reference.read import load_profile

__all__ = ["Profile", "ProfileColumn", "ProfileError", "load_profile", "profile"]

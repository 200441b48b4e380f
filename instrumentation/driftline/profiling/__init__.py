"""Training data → the reference that live data is compared with, as OTLP. Needs pyarrow (extra `sklearn`)."""

from driftline.profiling.api import profile
from driftline.profiling.errors import ProfileError
from driftline.profiling.load import load_profile
from driftline.profiling.training_profile import Profile, ProfileColumn

__all__ = ["Profile", "ProfileColumn", "ProfileError", "load_profile", "profile"]

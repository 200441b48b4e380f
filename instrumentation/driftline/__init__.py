"""Driftline: ML drift monitoring on OpenTelemetry.

The public API; everything else in the package is private. Importing it is cheap: each name is loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from driftline.backtest import replay
    from driftline.checking.checks import check
    from driftline.checking.failures import InputRejected
    from driftline.features.models import describe
    from driftline.frameworks.instrumentor import instrument, uninstrument
    from driftline.outcomes.record import record_outcome
    from driftline.outcomes.record_features import record_features
    from driftline.profiling import Profile, load_profile, profile
    from driftline.recording.shared_recorder import flush
    from driftline.runtime.call_scope import identified, paused, prediction_id

__all__ = [
    "InputRejected",
    "Profile",
    "check",
    "describe",
    "flush",
    "identified",
    "instrument",
    "load_profile",
    "paused",
    "prediction_id",
    "profile",
    "record_features",
    "record_outcome",
    "replay",
    "uninstrument",
]

_MODULES: Final = {
    "InputRejected": "driftline.checking.failures",
    "Profile": "driftline.profiling",
    "check": "driftline.checking.checks",
    "describe": "driftline.features.models",
    "flush": "driftline.recording.shared_recorder",
    "identified": "driftline.runtime.call_scope",
    "instrument": "driftline.frameworks.instrumentor",
    "load_profile": "driftline.profiling",
    "paused": "driftline.runtime.call_scope",
    "prediction_id": "driftline.runtime.call_scope",
    "profile": "driftline.profiling",
    "record_features": "driftline.outcomes.record_features",
    "record_outcome": "driftline.outcomes.record",
    "replay": "driftline.backtest",
    "uninstrument": "driftline.frameworks.instrumentor",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

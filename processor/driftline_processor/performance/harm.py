"""What inputs that moved do to the model, by what scores promise: a change may be no harm."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from driftline_processor.performance.measured import Measured, Metric

BY: Final = ("accuracy", "roc_auc", "mae")
"""Metrics that tell it, the first that is estimated."""

LOSSES: Final = frozenset({"mae"})


class Harm(NamedTuple):
    """metric: by which. now: estimated from scores. training: what the same is there. harmful: surely worse."""

    metric: str
    now: Measured
    training: float
    harmful: bool


def harm(estimated: Mapping[str, Metric], training: Mapping[str, Metric]) -> Harm | None:
    """None where nothing can be estimated.

    Args:
        estimated: Of a window.
        training: The same of the training data.

    """
    for name in BY:
        now, usual = estimated.get(name), training.get(name)
        if isinstance(now, Measured) and isinstance(usual, Measured):
            worse = now.low > usual.value if name in LOSSES else now.high < usual.value
            return Harm(name, now, usual.value, worse)
    return None

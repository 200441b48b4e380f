"""Log records → outcomes."""

from collections.abc import Sequence
from typing import Any

from driftline import semconv
from driftline.outcomes.event import Outcome, read_outcome
from driftline_processor.decode.otlp_values import Rejections
from driftline_processor.limits import Limits


def read_outcomes(logs: Sequence[Any], limits: Limits, rejections: Rejections) -> tuple[Outcome, ...]:
    """The outcomes in log records; those that break a rule are rejected, each for itself."""
    found = []
    for log in logs:
        try:
            outcome = read_outcome(log, limits.name)
        except ValueError as error:
            rejections.add(f"{semconv.OUTCOME_EVENT}: {error}")
            continue
        if outcome.joins and not outcome.id and outcome.key is None:
            rejections.add(f"{semconv.OUTCOME_EVENT}: must have {semconv.PREDICTION_ID}: rows have no span")
            continue
        found.append(outcome)
    return tuple(found)

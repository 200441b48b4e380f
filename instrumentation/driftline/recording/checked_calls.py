"""Checks the rows of a call before the model sees them, and records what broke a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace

from driftline import semconv
from driftline.checking.checks import Checks
from driftline.checking.column_rules import CATEGORY, RANGE
from driftline.checking.failures import InputRejected
from driftline.export.row_counters import RowCounters
from driftline.runtime.self_faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.metrics import Meter

    from driftline.checking.failures import RuleFailure
    from driftline.records import Capture, ModelFacts, SmallArray
    from driftline.settings import Settings


EDGE_CASES: Final = {RANGE: semconv.OUTSIDE_TRAINING, CATEGORY: semconv.UNSEEN_CATEGORY}
"""By rule, why a row that breaks it is an edge case. Of several columns the one with most rows counts."""


class CheckedCalls:
    """The checks of a recorder. meter: what counts failures; asked for at the first one."""

    def __init__(self, settings: Settings, meter: Callable[[], Meter]) -> None:
        self._settings = settings
        self._checks = Checks(settings)
        self._counters = RowCounters(meter)

    def examine(
        self, model: Any, facts: ModelFacts, value: Any, captured: Capture | SmallArray | None, span: trace.Span | None
    ) -> InputRejected | None:
        """Check the rows of a call. A fault of ours lets them pass.

        Returns:
            The error to raise instead of calling the model; None to go on.

        """
        try:
            check = self._checks.of(model, facts)
            if check is None:
                return None
            failures = check.failures(facts, value, captured, self._is_shown, model)
            if not failures:
                return None
            _count_failures(self._counters, facts, failures)
            if span is not None and span.is_recording():
                span.set_attribute(semconv.CHECK_FAILED, [failure.name for failure in failures])
                if edge_cases := list(dict.fromkeys(EDGE_CASES[f.rule] for f in failures if f.rule in EDGE_CASES)):
                    span.set_attribute(semconv.EDGE_CASE, edge_cases)
            if check.warns:
                check.warn(facts, failures)
            return InputRejected(facts.name, failures) if check.rejects else None
        except Exception as error:  # noqa: BLE001  # an internal fault must not reach the caller
            FAULTS.note("check", error)
            return None

    def _is_shown(self, column: str) -> bool:
        return self._settings.redaction(column).shown

    def count_rejected(self, facts: ModelFacts, rows: int) -> None:
        """Count the rows of a call that was refused."""
        try:
            self._counters.add(semconv.CHECK_REJECTED, facts, rows, {})
        except Exception as error:  # noqa: BLE001  # an internal fault must not reach the caller
            FAULTS.note("check", error)


def _count_failures(counters: RowCounters, model: ModelFacts, failures: Sequence[RuleFailure]) -> None:
    for each in failures:
        column = {semconv.FEATURE_NAME: each.column} if each.column else {}
        counters.add(semconv.CHECK_FAILURES, model, each.row_count, {**column, semconv.CHECK_RULE: each.rule})
    for reason in dict.fromkeys(EDGE_CASES.values()):
        rows = max((each.row_count for each in failures if EDGE_CASES.get(each.rule) == reason), default=0)
        counters.add(semconv.EDGE_CASES, model, rows, {semconv.EDGE_CASE_REASON: reason})

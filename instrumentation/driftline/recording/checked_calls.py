"""Checks the rows of a call before the model sees them, and records what broke a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace

from driftline import semconv
from driftline.checking.checks import Checks
from driftline.checking.column_rules import CATEGORY, RANGE
from driftline.checking.failures import InputRejected
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
        self._counters = _Counters(meter)

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
            self._counters.failed(facts, failures)
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
            self._counters.rejected(facts, rows)
        except Exception as error:  # noqa: BLE001  # an internal fault must not reach the caller
            FAULTS.note("check", error)


class _Counters:
    def __init__(self, meter: Callable[[], Meter]) -> None:
        self._meter = meter
        self._made: dict[str, Any] = {}

    def failed(self, facts: ModelFacts, failures: Sequence[RuleFailure]) -> None:
        for each in failures:
            column = {semconv.FEATURE_NAME: each.column} if each.column else {}
            self._add(
                semconv.CHECK_FAILURES, each.row_count, {**_model(facts), **column, semconv.CHECK_RULE: each.rule}
            )
        for reason in dict.fromkeys(EDGE_CASES.values()):
            rows = max((each.row_count for each in failures if EDGE_CASES.get(each.rule) == reason), default=0)
            if rows:
                self._add(semconv.EDGE_CASES, rows, {**_model(facts), semconv.EDGE_CASE_REASON: reason})

    def rejected(self, facts: ModelFacts, rows: int) -> None:
        self._add(semconv.CHECK_REJECTED, rows, _model(facts))

    def _add(self, name: str, rows: int, attributes: dict[str, str]) -> None:
        if name not in self._made:
            meaning = next(term.meaning for term in semconv.TERMS if term.name == name)
            self._made[name] = self._meter().create_counter(name, "{row}", meaning)
        self._made[name].add(rows, attributes)


def _model(facts: ModelFacts) -> dict[str, str]:
    version = {} if facts.version is None else {semconv.MODEL_VERSION: facts.version}
    return {semconv.MODEL_NAME: facts.name, **version}

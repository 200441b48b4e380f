"""Checks of what a server has sent."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from driftline import semconv
from driftline.reference.profile import Profile
from driftline.tools.doctor.finding import Finding, counted, listed, note, ok, problem
from driftline.tools.doctor.reference_checks import matching, unused
from driftline.tools.doctor.traffic import ModelTraffic, Traffic

_MOSTLY: Final = 0.5
_NEARLY_ALL: Final = 0.95
"""Of the rows of a server that may have been killed between two exports."""


class Sent(NamedTuple):
    """What the checks look at.

    Attributes:
        traffic: what arrived.
        references: training profiles to compare it with.
        variables: environment variables of the server.
        answers: answers to the doctor's own requests, by status.
        status: exit status of the server, None if the doctor ended it.

    """

    traffic: Traffic
    references: Sequence[Profile] = ()
    variables: Mapping[str, str] = {}
    answers: Mapping[str, int] = {}
    status: int | None = None


def findings(sent: Sent) -> Iterator[Finding]:
    """All findings, model by model."""
    yield from _server(sent)
    yield from _arrival(sent)
    yield from _names(sent)
    for name, model in sorted(sent.traffic.models.items()):
        yield from _model(name, model, sent)
    yield from unused(sent.references, sent.traffic)
    yield from _own(sent.traffic)


def _server(sent: Sent) -> Iterator[Finding]:
    """How the server itself did."""
    if sent.status:
        yield problem("server", f"the command ended by itself with status {sent.status}", "see what it wrote")
    for status, number in sorted(sent.answers.items()):
        if status.startswith("2"):
            yield ok("server", f"{counted(number, 'request')} answered with status {status}")
        else:
            yield problem(
                "server",
                f"{counted(number, 'request')}: {_answered(status)}",
                "check --request and --data, or --seconds",
            )


def _answered(status: str) -> str:
    return f"status {status}" if status.isdigit() else status


def _arrival(sent: Sent) -> Iterator[Finding]:
    """Whether spans and metrics of models arrived."""
    traffic = sent.traffic
    if not traffic.requests:
        yield problem(
            "arrival",
            "nothing was sent: OpenTelemetry is not set up in the process that predicts",
            "see the other findings; a process that starts in another environment must be instrumented there",
        )
    elif not traffic.models:
        what = " and ".join(sorted(signal for signal in traffic.requests if signal != "unreadable"))
        yield problem(
            "arrival",
            f"{what} arrived, but no call of a model",
            "send requests that make it predict while the doctor listens; the model must be of a framework above",
        )
    elif not any(model.columns for model in traffic.models.values()):
        yield problem(
            "arrival", "no sketches arrived: no column is judged", "unset OTEL_METRICS_EXPORTER and DRIFTLINE_SKETCH"
        )


def _names(sent: Sent) -> Iterator[Finding]:
    """Models that would have shared a name: the second keeps its class as one, or gets a number."""
    named = sent.variables.get("DRIFTLINE_MODEL_NAME", "").strip()
    models = sent.traffic.models
    unnamed = sorted(name for name, model in models.items() if name != named and _is_own_class(name, model))
    numbered = [name for name in unnamed if _without_number(name) in models and _without_number(name) != name]
    if named in models and unnamed:
        yield problem(
            "names",
            f"DRIFTLINE_MODEL_NAME={named} can only be the name of one model; beside it there is {listed(unnamed)}",
            "name each by driftline.describe(model, name=…)",
        )
    elif numbered:
        yield problem(
            "names",
            f"several models of one class: {listed(numbered)} got a number, in the order of their first calls",
            "name each by driftline.describe(model, name=…)",
        )


def _is_own_class(name: str, model: ModelTraffic) -> bool:
    """Whether nobody named a model; also where no span tells its class."""
    return not model.types or _without_number(name) in model.types


def _without_number(name: str) -> str:
    return re.sub(r"-\d+$", "", name)


def _model(name: str, model: ModelTraffic, sent: Sent) -> Iterator[Finding]:
    yield _summary(name, model)
    yield from _columns(name, model)
    if len(model.types) > 1:
        yield problem(
            "names",
            f"{name!r} is the name of {len(model.types)} models at once: {listed(sorted(model.types))}",
            "name each by driftline.describe(model, name=…), or unset DRIFTLINE_MODEL_NAME",
        )
    yield from _spans(name, model, sent.traffic)
    yield from matching(name, model, sent.references, sent.traffic)


def _summary(name: str, model: ModelTraffic) -> Finding:
    calls = max(model.calls.total(), model.spans)
    kinds = listed(sorted(filter(None, (*model.types, *model.systems))))
    each = f", {1_000 * model.seconds / model.calls.total():.3g} ms a call" if model.calls.total() else ""
    failed = f", {model.errors:,} failed" if model.errors else ""
    processes = f", {counted(len(model.processes), 'process', 'processes')}"
    rows = f"{counted(model.rows.total(), 'row')}"
    return ok("model", f"{name} ({kinds or 'no spans'}): {counted(calls, 'call')}, {rows}{each}{failed}{processes}")


def _columns(name: str, model: ModelTraffic) -> Iterator[Finding]:
    """Names and kinds of what was counted, and rows that could not be read."""
    for target in (semconv.TARGET_INPUT, semconv.TARGET_OUTPUT):
        columns = {key.name: column for key, column in model.columns.items() if key.target == target}
        if columns:
            shown = [f"{column} ({found.kind or 'no values'})" for column, found in sorted(columns.items())]
            yield ok("columns", f"{name}: {counted(len(columns), target)}: {listed(shown, 12)}")
    if model.rows and not any(key.target == semconv.TARGET_INPUT for key in model.columns):
        yield problem(
            "columns",
            f"{name}: rows are counted, but no input",
            "pass a table or an array; unset DRIFTLINE_SKETCH if it says outputs or none",
        )
    yield from _partial(name, model)
    for key, column in sorted(model.columns.items()):
        wrong = column.states[semconv.WRONG_TYPE]
        if wrong and wrong > _MOSTLY * column.rows:
            yield problem(
                "columns",
                f"{name}: {key.name} cannot be read in {wrong:,} of {counted(column.rows, 'row')}",
                "pass numbers, texts or dates",
            )


def _partial(name: str, model: ModelTraffic) -> Iterator[Finding]:
    """Inputs that only some of the calls have."""
    rows = {key.name: column.rows for key, column in model.columns.items() if key.target == semconv.TARGET_INPUT}
    most = max(rows.values(), default=0)
    partial = sorted(column for column, number in rows.items() if number < _NEARLY_ALL * most)
    if partial:
        yield problem(
            "names",
            f"{name}: of {counted(most, 'row')} at most, only some have {listed(partial)}: two models under one name?",
            "name each by driftline.describe(model, name=…), or pass all inputs in each call",
        )


def _spans(name: str, model: ModelTraffic, traffic: Traffic) -> Iterator[Finding]:
    """Spans against calls, and their parents."""
    calls = model.calls.total()
    if calls > model.spans:
        yield note(
            "spans",
            f"{name}: {counted(calls, 'call')}, {counted(model.spans, 'span')}: a sampler dropped "
            f"{calls - model.spans:,}; sketches count every row",
            "OTEL_TRACES_SAMPLER=always_on for a span of each",
        )
    elif model.spans:
        yield ok("spans", f"{name}: a span for each of {counted(calls or model.spans, 'call')}")
    if model.spans and model.children == model.spans:
        yield ok("parents", f"{name}: each span has a parent")
    elif model.spans:
        why = "" if traffic.servers else ": no request to the server has a span"
        yield note(
            "parents",
            f"{name}: {model.spans - model.children:,} of {counted(model.spans, 'span')} have no parent{why}",
            "a server needs its own instrumentation, as opentelemetry-instrumentation-fastapi; a batch job has none",
        )


def _own(traffic: Traffic) -> Iterator[Finding]:
    """Driftline's own metrics."""
    if faults := traffic.own[semconv.FAULTS]:
        yield problem("faults", f"{counted(faults, 'fault')} inside Driftline", "see the log, and please report it")
    if dropped := traffic.own[semconv.DROPPED_ROWS]:
        yield problem(
            "drops", f"{counted(dropped, 'row')} not sketched: the buffer was full", "raise DRIFTLINE_BUFFER_BYTES"
        )
    if columns := traffic.own[semconv.DROPPED_COLUMNS]:
        yield problem("drops", f"{counted(columns, 'column')} not sketched", "raise DRIFTLINE_MAX_COLUMNS")

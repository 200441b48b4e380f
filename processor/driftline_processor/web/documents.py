"""Views as JSON: what the API answers, what the page draws, and what a report holds. Times are Unix seconds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from driftline.semconv import ENVIRONMENT_NAME, SERVICE_NAME, SERVICE_NAMESPACE
from driftline.sketch.time_units import DAY, SECOND
from driftline_processor.encode.documents import column_document
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey
from driftline_processor.verdicts.verdict import State
from driftline_processor.web.board import IncidentRecord, ModelView
from driftline_processor.web.history import MOST_ENDS, STATES, Point

HISTORY: Final = 28 * DAY
"""That the list of models tells of."""

SPARK: Final = 110
"""Ends that a small picture tells apart."""

_DIGITS: Final = 4

Document = dict[str, Any]


def models_document(views: Iterable[ModelView], now: int) -> list[Document]:
    """All models: incidents first, then those that cannot be judged, then the others, the nearest to an alarm first."""
    documents = [model_entry(view, now) for view in views]
    return sorted(documents, key=_urgency)


def model_entry(view: ModelView, now: int) -> Document:
    """A model in the list."""
    incident, result = view.incident, view.result
    worst = worst_column(result.columns)
    return {
        **identity(view.key),
        "state": state_of(view),
        "since": _seconds(incident.opened) if incident else None,
        "sentence": _without_model(incident.summary) if incident else "",
        "rows": round(result.rows, 3),
        "rows_24h": round(_rows_since(view, now - DAY), 3),
        "labels": None,
        "performance": None,
        "worst": None if worst is None else _worst(worst),
        "history": _worst_over_time(view, now - HISTORY),
        "incident": incident and incident.id,
        "judged": _seconds(result.window.end),
        "reference": result.reference,
        "provisional": result.provisional,
    }


def _worst_over_time(view: ModelView, since: int) -> list[list[float | None]]:
    timeline = view.history.timeline(since, SPARK)
    return [[_seconds(end), _rounded(ratio)] for end, ratio in zip(timeline.ends, timeline.worst, strict=True)]


def identity(key: ModelKey) -> Document:
    """Which model it is."""
    resource = dict(key.resource)
    return {
        "name": key.name,
        "version": key.version,
        "service": resource.get(SERVICE_NAME, ""),
        "namespace": resource.get(SERVICE_NAMESPACE, ""),
        "env": resource.get(ENVIRONMENT_NAME, ""),
    }


def state_of(view: ModelView) -> str:
    """Of the whole model: as its worst column is; `alarm` while an incident is open."""
    columns = [column for column in view.result.columns if column.verdict is not None]
    if view.incident is not None or any(column.alarm is not None for column in columns):
        return str(State.ALARM.value)
    found = {column.verdict.state for column in columns if column.verdict is not None}
    if not found & {State.WARNING, State.HEALTHY}:
        return str(State.INSUFFICIENT_DATA.value)
    return str((State.WARNING if State.WARNING in found else State.HEALTHY).value)


def model_document(view: ModelView, window: tuple[int, int], *, full: bool = True) -> Document:
    """A model and all of its columns, the strongest evidence first.

    window: size and step, nanoseconds. full: else columns are brief.
    """
    result = view.result
    columns = sorted(result.columns, key=evidence)
    return {
        **identity(view.key),
        "state": state_of(view),
        "reference": {"id": result.reference, "provisional": result.provisional},
        "window": {
            "start": _seconds(result.window.start),
            "end": _seconds(result.window.end),
            "size": window[0] / SECOND,
            "step": window[1] / SECOND,
        },
        "rows": round(result.rows, 3),
        "unmatched": dict(result.unmatched),
        "incident": view.incident and incident_entry(view, view.incident),
        "columns": [named_column(view, column) if full else brief_column(column) for column in columns],
    }


def brief_column(column: ColumnResult) -> Document:
    """A column in a line of text."""
    verdict = column.verdict
    return {
        "name": column.column.name,
        "target": column.column.target,
        "alarm": column.alarm is not None,
        "state": verdict and verdict.state.value,
        "lower_bound": verdict and verdict.lower_bound,
        "tolerance": verdict and verdict.tolerance,
    }


def named_column(view: ModelView, column: ColumnResult) -> Document:
    """A column with its name, its alarm, and since when that is open."""
    alarm = view.alarm_of(column.column) if column.alarm is not None else None
    return {
        "name": column.column.name,
        **column_document(column),
        "alarm_id": column.alarm,
        "since": None if alarm is None else _seconds(alarm.opened),
        "traces": [] if alarm is None else list(alarm.traces),
        "incident": alarm and alarm.incident,
    }


def detail_document(view: ModelView, column: ColumnResult) -> Document:
    """A column with its history."""
    return {
        **identity(view.key),
        "column": named_column(view, column),
        "history": [point_document(point) for point in view.history.of(column.column)],
    }


def point_document(point: Point) -> Document:
    """A column at the end of a step."""
    figures = {name: _rounded(getattr(point, name)) for name in ("distance", "bound", "tolerance", "share", "ratio")}
    return {"end": _seconds(point.end), "state": point.state.value, "alarm": point.alarm, **figures}


def timeline_document(view: ModelView, since: int = 0, most: int = MOST_ENDS) -> Document:
    """Rows, the worst ratio, and states and ratios of each column, by the end of a step."""
    found = view.history.timeline(since, most)
    words, ratios = [state.value for state in STATES], found.ratios.T.round(3).tolist()
    return {
        **identity(view.key),
        "ends": [_seconds(end) for end in found.ends],
        "rows": [round(rows, 3) for rows in found.rows],
        "worst": [_rounded(ratio) for ratio in found.worst],
        "columns": [
            {
                **_key(column),
                "states": [words[severity] for severity in severities],
                "ratios": [None if ratio != ratio else ratio for ratio in of_column],  # noqa: PLR0124  # NaN
            }
            for column, severities, of_column in zip(found.columns, found.severities.T.tolist(), ratios, strict=True)
        ],
    }


def incident_entry(view: ModelView, incident: IncidentRecord) -> Document:
    """An incident in the list."""
    return {
        "id": incident.id,
        "model": identity(view.key),
        "state": "closed" if incident.closed else "open",
        "opened": _seconds(incident.opened),
        "closed": _seconds(incident.closed) if incident.closed else None,
        "summary": incident.summary,
        "sentence": _without_model(incident.summary),
        "columns": [_key(column) for column, _ in incident.columns],
    }


def incident_document(view: ModelView, incident: IncidentRecord) -> Document:
    """An incident: what moved in the order in which it began, what did not, and what became of it."""
    results = {column.column: column for column in view.result.columns}
    moved = [column for column, _ in incident.columns]
    return {
        **incident_entry(view, incident),
        "traces": list(incident.traces),
        "findings": [
            {**_key(column), "joined": _seconds(joined), **_finding(view, results.get(column))}
            for column, joined in incident.columns
        ],
        "unmoved": [
            _key(each.column) for each in view.result.columns if each.verdict is not None and each.column not in moved
        ],
        "events": [
            {"time": _seconds(time), "change": change, "summary": text} for time, change, text in incident.events
        ],
        "earlier": [
            {"id": each.id, "opened": _seconds(each.opened), "closed": _seconds(each.closed)}
            for each in view.incidents
            if each.closed and each.id != incident.id and {column for column, _ in each.columns} & set(moved)
        ],
        "text": incident.summary,
    }


def _finding(view: ModelView, column: ColumnResult | None) -> Document:
    if column is None:
        return {"sentence": "", "state": None, "ratio": None}
    found = named_column(view, column)
    return {"sentence": found["sentence"], "state": found["state"], "ratio": _rounded(ratio_of(column))}


def evidence(column: ColumnResult) -> tuple[object, ...]:
    """What is in alarm first, then by how near it is to its tolerance, then by name; what is not judged last."""
    verdict = column.verdict
    severity = 0 if verdict is None else {State.ALARM: 3, State.WARNING: 2, State.HEALTHY: 1}.get(verdict.state, 0)
    return column.alarm is None, -severity, -(ratio_of(column) or 0.0), column.column


def ratio_of(column: ColumnResult) -> float | None:
    """The bound in tolerances."""
    verdict = column.verdict
    if verdict is None or verdict.state is State.INSUFFICIENT_DATA or not verdict.tolerance:
        return None
    return verdict.lower_bound / verdict.tolerance


def worst_column(columns: Sequence[ColumnResult]) -> ColumnResult | None:
    """The one with the strongest evidence, of those that are judged."""
    judged = [column for column in columns if ratio_of(column) is not None]
    return min(judged, key=evidence, default=None)


def _worst(column: ColumnResult) -> Document:
    return {**_key(column.column), "ratio": _rounded(ratio_of(column))}


def _key(column: ColumnKey) -> Document:
    return {"target": column.target, "name": column.name}


def _rows_since(view: ModelView, since: int) -> float:
    """Of windows that do not overlap: the rows of a day."""
    rows, before = 0.0, None
    for step in reversed(view.history.steps):
        if step.end <= since:
            break
        if before is None or step.end <= before - step.span + 1:
            rows, before = rows + step.rows, step.end
    return rows


def _urgency(entry: Mapping[str, Any]) -> tuple[object, ...]:
    place = {State.ALARM.value: 0, State.INSUFFICIENT_DATA.value: 1, State.WARNING.value: 2}
    worst = entry["worst"]["ratio"] if entry["worst"] else 0.0
    return (
        place.get(entry["state"], 3),
        -(worst or 0.0),
        entry["name"],
        entry["version"],
        entry["service"],
        entry["env"],
    )


def _without_model(summary: str) -> str:
    """A sentence without "model churn 7 (shop, prod): ", where its model is told beside it."""
    return summary.partition(": ")[2] if summary.startswith("model ") else summary


def _seconds(time: int) -> float:
    return time / SECOND


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")

"""The life of an incident: the alarms of a model that are open together, so that one cause is one page.

It opens with the first alarm, is updated when further columns join or half of them have left, and closes with the last
alarm. The state is a value: the same windows give the same events, with the same ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from driftline.sketch.identity import digest
from driftline_processor.engine.alarm_summary import by_evidence, closed_incident, open_incident
from driftline_processor.records import AlarmChange, ColumnKey, ColumnResult, IncidentEvent, ModelKey, WindowResult


@dataclass(frozen=True, slots=True)
class Incident:
    """An open incident.

    columns: all that have been in it, in the order in which they joined. reported: columns in alarm at its last event.
    """

    id: str
    opened: int
    columns: tuple[ColumnKey, ...]
    reported: int


def follow_incident(incident: Incident | None, result: WindowResult) -> tuple[Incident | None, WindowResult]:
    """The incident that is open after a window, and its result with what changed; its alarms have been followed."""
    moved = by_evidence(result.columns)
    if incident is not None:
        incident, change = _step(incident, moved)
    elif moved:
        incident, change = _opened(moved, result), AlarmChange.OPENED
    else:
        return None, result
    events = () if change is None else (_event(incident, change, moved, result),)
    alarms = tuple(replace(event, incident=incident.id) for event in result.alarms)
    still = None if change is AlarmChange.CLOSED else incident
    return still, replace(result, alarms=alarms, incidents=events)


def close_incident(incident: Incident, result: WindowResult) -> IncidentEvent:
    """Its end, whatever the columns of a result."""
    return _event(incident, AlarmChange.CLOSED, (), result)


def _opened(moved: Sequence[ColumnResult], result: WindowResult) -> Incident:
    opened, columns = result.window.end, tuple(column.column for column in moved)
    return Incident(_identity(result.model, opened), opened, columns, len(columns))


def _step(incident: Incident, moved: Sequence[ColumnResult]) -> tuple[Incident, AlarmChange | None]:
    """Updates are few: a column joins once, and each time half of what was reported has left is another."""
    if not moved:
        return incident, AlarmChange.CLOSED
    joined = tuple(column.column for column in moved if column.column not in incident.columns)
    if not joined and 2 * len(moved) > incident.reported:
        return incident, None
    return replace(incident, columns=(*incident.columns, *joined), reported=len(moved)), AlarmChange.UPDATED


def _identity(model: ModelKey, opened: int) -> str:
    resource = (text for pair in model.resource for text in pair)
    return digest("incident", model.name, model.version, *resource, opened).hex()


def _event(
    incident: Incident, change: AlarmChange, moved: Sequence[ColumnResult], result: WindowResult
) -> IncidentEvent:
    closed = change is AlarmChange.CLOSED
    over = (result, incident.opened, incident.columns)
    summary = closed_incident(*over) if closed else open_incident(result, moved, incident.opened)
    return IncidentEvent(
        id=incident.id,
        change=change,
        model=result.model,
        opened=incident.opened,
        time=result.window.end,
        columns=incident.columns if closed else tuple(column.column for column in moved),
        summary=summary,
        **({} if closed else _calls(moved, result)),
    )


def _calls(moved: Sequence[ColumnResult], result: WindowResult) -> dict[str, Any]:
    """Those of the column with the strongest evidence whose alarm changed with this window."""
    known = {event.column: event for event in result.alarms if event.traces}
    event = next((known[column.column] for column in moved if column.column in known), None)
    return {} if event is None else {"traces": event.traces, "span": event.span}
